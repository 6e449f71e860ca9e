import type { Context } from '../../../core/context.ts'
import { AppError, invalidInput, notFound } from '../../../core/errors.ts'
import * as registry from '../../registry/registry.ts'
import { loadedVersion, requireRouting } from '../routing/routing.ts'
import { knownFields, predict } from './predict.ts'

export type Signature = {
  endpoint: string
  version: number
  release: string
  ready: boolean
  inputs: { name: string; type: 'number' | 'string' }[]
}

/** What a caller of an endpoint has to send now, and who will answer. */
export function signatureOf(
  ctx: Context,
  { endpoint, version }: { endpoint: string; version?: number | undefined },
): Signature {
  const { live } = requireRouting(ctx, endpoint)
  if (version !== undefined && version !== live.version)
    throw notFound('Version of an endpoint', `${endpoint}@${version}`, `Version ${live.version} is live.`)
  const loaded = loadedVersion(ctx, endpoint, live.version)
  return { endpoint, ...live, ready: loaded?.runtime.state().ready ?? false, inputs: loaded?.rows.request ?? [] }
}

type Rows = { endpoint: string; rows: Record<string, unknown>[]; id?: string | undefined; unit?: string | undefined }
type Answers = { ids: string[]; outputs: (number | string)[]; releases: string[]; marks: registry.AnswerMark[][] }

const maxRows = 10_000
const atOnce = 64

/** Asks for many rows in one request; each is a prediction of its own, with its own id. */
export async function predictRows(ctx: Context, { endpoint, rows, id = ctx.id('prd'), unit }: Rows): Promise<Answers> {
  if (rows.length === 0) throw invalidInput('There are no rows to predict.', { name: 'inputs' })
  if (rows.length > maxRows)
    throw new AppError('too_large', `At most ${maxRows} rows fit into one request.`, {
      hint: 'Use "keel predict --input" for more.',
    })
  const routing = requireRouting(ctx, endpoint)
  const needed = loadedVersion(ctx, endpoint, routing.live.version)?.rows.request ?? []
  const known = knownFields(ctx, routing)
  // All rows before the first answer: a request is refused whole.
  for (const row of rows) {
    registry.refuseUnknown(row, known)
    registry.readFields(needed, row)
  }
  const answers: Answers = { ids: [], outputs: [], releases: [], marks: [] }
  for (let at = 0; at < rows.length; at += atOnce) {
    const some = rows.slice(at, at + atOnce)
    const found = await Promise.all(
      some.map((inputs, index) =>
        predict(ctx, {
          endpoint,
          inputs,
          id: rows.length === 1 ? id : `${id}-${at + index}`,
          ...(unit === undefined ? {} : { unit }),
        }),
      ),
    )
    for (const answer of found) {
      answers.ids.push(answer.id)
      answers.outputs.push(answer.output)
      answers.releases.push(answer.release)
      answers.marks.push(answer.marks)
    }
  }
  return answers
}
