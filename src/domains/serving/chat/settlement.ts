import { AppError } from '../../../core/errors.ts'
import { neverSent } from '../../../core/upstream/upstream.ts'
import type * as registry from '../../registry/registry.ts'
import { costOfTokens, type Reservation } from '../budget/budget.ts'
import { type AskedRelease, type Call, finish, isRefusal } from '../gateway/gateway.ts'
import type { Bad, Tokens } from '../log/log.ts'
import { plainRow } from '../rules.ts'
import { together } from './said.ts'

export type ReceivedAnswer = {
  text: string | null
  /** As the provider counted them. What it does not count is estimated in the log; the budget may then charge the whole reservation. */
  tokens: Tokens | null
  pieces: number
  bad: Bad | null
  /** What is to be said of each of the answers. */
  marks: registry.AnswerMark[][]
  firstTokenMs?: number | null
}

/** What becomes of the money that was kept for a question, and what the log says of it. */
export type Settlement = {
  /** Milliseconds since the question. */
  elapsed(): number
  /** Whether the provider may ask money for what it was asked so far. */
  billed(may: boolean): void
  /** Pays for an answer, whole or broken off, and logs it. */
  answered(answer: ReceivedAnswer): void
  /** There was no answer, and it costs nothing. */
  refused(): void
  /** There was no answer, for this reason. */
  failed(thrown: unknown): void
}

type Question = {
  model: string
  money: Reservation
  sentBytes: number
  signal: AbortSignal
  /** The caller itself wanted no longer answer: that it ends there is nobody's fault. */
  callersBound: boolean
}

export function startSettlement(call: Call, asked: AskedRelease, question: Question): Settlement {
  const { ctx, endpoint } = call
  const { prices } = asked.chosen
  const { model, money, sentBytes, signal, callersBound } = question
  const started = ctx.clock.elapsed()
  const elapsed = () => ctx.clock.elapsed() - started
  let billed = false

  /** Nobody counted: a token is about four bytes of what was sent, and a piece of what came. */
  const estimated = (pieces: number): Tokens => ({ input: Math.ceil(sentBytes / 4), output: pieces })

  function answered({ text, tokens: counted, pieces, firstTokenMs = null, ...answer }: ReceivedAnswer): void {
    const tokens = counted ?? estimated(pieces)
    money.settle(costOfTokens(model, counted, prices), costOfTokens(model, tokens, prices))
    const row = plainRow(call.inputs)
    const marks = together(answer.marks)
    const faulty = marks.some((mark) => mark !== 'cut_off' || !callersBound)
    const bad = answer.bad ?? (faulty ? 'invalid' : null)
    const result = { row, knownAt: null, output: text, bad, marks, latencyMs: elapsed(), tokens, firstTokenMs }
    finish(call, asked, result)
  }

  function failed(thrown: unknown): void {
    const free = !billed || neverSent(thrown)
    if (thrown instanceof AppError && isRefusal(thrown)) money.settle(0)
    else if (signal.aborted) money.settle(free ? 0 : null, costOfTokens(model, estimated(0), prices))
    else {
      ctx.log.warn({ err: thrown, endpoint, release: asked.target.release }, 'a language model failed to answer')
      answered({ text: null, tokens: free ? { input: 0, output: 0 } : null, pieces: 0, bad: 'error', marks: [] })
    }
  }

  return {
    elapsed,
    billed(may) {
      billed = may
    },
    answered,
    refused: () => money.settle(0),
    failed,
  }
}
