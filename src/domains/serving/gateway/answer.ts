import { withTimeLimit } from '../../../core/concurrency.ts'
import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import { neverSent } from '../../../core/upstream/upstream.ts'
import * as features from '../../features/features.ts'
import * as registry from '../../registry/registry.ts'
import { costOfTokens, reserve } from '../budget/budget.ts'
import type { Bad, LogRecord, Tokens } from '../log/log.ts'
import { type LoadedVersion, looksLikeClass } from '../routing/routing.ts'
import * as rules from '../rules.ts'
import { type AskedRelease, type Call, endsAt, finish, isRefusal, markedAs, toGatewayError } from './record-answer.ts'

/** `error` says why a valid output is missing. */
type Outcome = { output: Value; marks: registry.AnswerMark[]; error: AppError | undefined }

/** Asks one version, within the caller's deadline and the version's own; logs and counts what came of it. */
export async function answer(call: Call, asked: AskedRelease): Promise<Outcome> {
  const { ctx, endpoint } = call
  const { chosen, target } = asked
  const started = ctx.clock.elapsed()
  let found: Inputs = { values: {}, knownAt: null }
  let reply: Reply = { output: null, tokens: null, marks: [] }
  let bad: Bad | null = null
  let error: AppError | undefined
  try {
    found = inputsOf(call, chosen)
    reply = await ask(call, asked, found.values)
    reply.marks = marksOf(reply, chosen)
    if (reply.marks.length > 0) bad = 'invalid'
    if (!rules.isValid(reply.output, chosen.output)) error = unusable(target.release, reply.marks)
    else if (chosen.classes && looksLikeClass(chosen.classes, reply.output, chosen.output))
      reply.marks.push('class_for_probability')
  } catch (thrown) {
    error = toGatewayError(thrown, target.release)
    if (isRefusal(error)) throw error
    bad = 'error'
    ctx.log.warn({ err: thrown, endpoint, release: target.release }, 'a model failed to answer')
  }
  const latencyMs = ctx.clock.elapsed() - started
  finish(call, asked, { row: found.values, knownAt: found.knownAt, ...reply, bad, latencyMs })
  return { output: reply.output, marks: markedAs(reply.marks, asked.fallback === true), error }
}

/** What the model or its provider said of the answer, else what the value says of itself. */
function marksOf({ output, marks }: Reply, { output: kind }: LoadedVersion): registry.AnswerMark[] {
  const mark = registry.markOfValue(output, kind)
  return marks.length > 0 || mark === undefined ? [...marks] : [mark]
}

function unusable(release: string, marks: registry.AnswerMark[]): AppError {
  return new AppError('upstream_failed', `"${release}" gave no usable answer (${marks.join(', ')}).`, { name: release })
}

type Inputs = { values: Row; knownAt: LogRecord['knownAt'] }

/** The row as this version reads it: what it cannot read is refused here, whoever asks. */
function inputsOf({ ctx, inputs, at }: Call, { service, rows }: LoadedVersion): Inputs {
  const request = { ...rules.plainRow(inputs), ...registry.readFields(rows.request, inputs) }
  if (service === undefined) return { values: request, knownAt: null }
  const { values, knownAt } = features.lookupOnline(ctx, { service, request, at })
  return { values: { ...values, ...registry.readFields(rows.views, values, true) }, knownAt }
}

const late = () => new AppError('deadline_exceeded', 'The model did not answer in time.')

type Reply = { output: Value; tokens: Tokens | null; marks: registry.AnswerMark[] }

async function ask(call: Call, asked: AskedRelease, row: Row): Promise<Reply> {
  const { ctx } = call
  const { chosen, arm } = asked
  const ends = endsAt(call, asked)
  const left = () => ends - ctx.clock.elapsed()
  const shadow = arm === 'shadow'
  if (chosen.runtime.chat) return askPrompt(call, asked, row)
  const work = () => withTimeLimit(chosen.predict(row, { milliseconds: left(), shadow }), left(), late)
  return { output: await chosen.lane.run(ends, work), tokens: null, marks: [] }
}

/** A prompt costs money: as much as it can cost is kept before it is asked. */
async function askPrompt(call: Call, asked: AskedRelease, row: Row): Promise<Reply> {
  const { ctx, endpoint } = call
  const { chosen, arm } = asked
  const { runtime, prices, cap, lane } = chosen
  const { model = '', max_tokens: maxTokens } = runtime.chat?.provider ?? {}
  const body = JSON.stringify(runtime.chat?.compose({ inputs: row }))
  const inputTokens = Buffer.byteLength(body)
  const money = await reserve(ctx, {
    endpoint,
    model,
    cap,
    prices,
    inputTokens,
    maxTokens,
    answers: 1,
    generates: true,
  })
  let tokens: Tokens | null = null
  let marks: registry.AnswerMark[] = []
  let billed = false
  try {
    const ends = endsAt(call, asked)
    const output = await lane.run(ends, () => {
      billed = true
      return chosen.predict(row, {
        milliseconds: ends - ctx.clock.elapsed(),
        shadow: arm === 'shadow',
        limit: money.maxTokens === undefined ? undefined : { max_tokens: money.maxTokens },
        spent(counted) {
          tokens = counted
        },
        marked(said) {
          marks = said
        },
      })
    })
    return { output, tokens, marks }
  } catch (error) {
    if (neverSent(error)) billed = false
    throw error
  } finally {
    money.settle(billed ? costOfTokens(model, tokens, prices) : 0)
  }
}
