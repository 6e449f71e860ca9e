import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { day } from '../../../core/duration.ts'
import { AppError, conflict, notFound } from '../../../core/errors.ts'
import { exactInteger, exactJson } from '../../../core/json/json.ts'
import { addProblem, dateOf, isoOf, noProblems, type Problems, refuseProblems } from '../../../core/tables/tables.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { serving } from '../contract.ts'
import { append } from '../events.ts'
import { isValid, type OutputKind } from '../rules.ts'
import * as store from '../store.ts'
import { addLine, createLines } from './lines.ts'
import type { LogRecord } from './log-record.ts'
import { keeps, logRules, redact } from './rules.ts'
import { writeSegment } from './segments.ts'

type Operations = typeof serving
type Request = Input<Operations['recordPredictions']>
type Prediction = Request['predictions'][number]
type Recorded = Output<Operations['recordPredictions']>

/** Clocks differ; further ahead, somebody wrote seconds where milliseconds are, or another year. */
const mostAhead = day
/** What a release is called whose name nobody gave. */
const unnamed = 'external'
/** In one batch; who names more took the name of something else for that of a release. */
const mostNames = 100

/**
 * Writes predictions down that were made by a service of somebody's own: on disk before it answers, each id once, however often
 * it is sent. From here on they are as those of the gateway: labels, windows, alerts and failures see them.
 */
export async function recordPredictions(ctx: Context, { endpoint, predictions }: Request): Promise<Recorded> {
  const spec = await registry.currentSpec(ctx, endpoint)
  if (!spec)
    throw notFound('Model', endpoint, `Write models/${endpoint}.yaml, of eight lines at least, and run "keel apply".`)
  await checkVersions(ctx, endpoint, predictions)
  const records = toRecords(ctx, spec, predictions)
  // A second sender of the same ids between the look and the write: then the look is done again.
  for (let attempt = 0; ; attempt++) {
    try {
      return await write(ctx, endpoint, records, predictions.length)
    } catch (error) {
      if (attempt >= 3 || !(error instanceof AppError) || error.offender !== sentTwice) throw error
    }
  }
}

const sentTwice = 'predictions.id'

async function write(ctx: Context, endpoint: string, records: readonly LogRecord[], sent: number): Promise<Recorded> {
  const known = new Set(
    await store.recordedOf(
      ctx,
      endpoint,
      records.map(({ id }) => id),
    ),
  )
  const fresh = records.filter(({ id }) => !known.has(id))
  const result = { accepted: fresh.length, known: known.size, sampledOut: sent - records.length }
  if (fresh.length === 0) return result
  const lines = createLines(endpoint)
  for (const one of fresh) addLine(lines, one)
  await writeSegment(ctx, lines, async (ctx) => {
    const added = await store.addRecorded(
      ctx,
      fresh.map(({ id, at }) => ({ endpoint, prediction: id, at })),
    )
    if (added < fresh.length)
      throw conflict('Some of these predictions were recorded at this moment.', { name: sentTwice })
    await append(ctx, 'serving.predictions_recorded', `model/${endpoint}`, {
      count: fresh.length,
      from: lines.from,
      to: lines.to,
      releases: [...new Set(fresh.map(({ release }) => release))].sort().slice(0, mostNames),
      seen: sightingsOf(fresh),
    })
  })
  return result
}

/** What delivery counts: the names that callers gave, each with how many, of which version, from when to when. */
function sightingsOf(records: readonly LogRecord[]) {
  const found = new Map<string, { name: string; version: number; count: number; from: string; to: string }>()
  for (const { release: name, version, at } of records) {
    if (name === unnamed) continue
    const seen = found.get(name)
    if (!seen) found.set(name, { name, version, count: 1, from: at, to: at })
    else {
      seen.count += 1
      if (at < seen.from) seen.from = at
      if (at > seen.to) seen.to = at
    }
  }
  return [...found.values()].slice(0, mostNames)
}

async function checkVersions(ctx: Context, model: string, predictions: readonly Prediction[]): Promise<void> {
  const named = new Set(predictions.flatMap(({ version }) => (version === undefined || version === 0 ? [] : [version])))
  for (const version of named) await registry.getVersion(ctx, { model, version })
}

/** As the log keeps them, after the sample and the redactions of the spec. */
function toRecords(ctx: Context, { model, serves }: ModelSpec, predictions: readonly Prediction[]): LogRecord[] {
  const rules = logRules(serves.log, serves.output)
  const latest = ctx.now().getTime() + mostAhead
  const problems = noProblems()
  const ids = new Map<string, number>()
  const found = predictions.flatMap((given, index) => {
    const row = index + 1
    const inputs = inputsOf(given.inputs ?? {}, row, problems)
    const at = given.at === undefined ? ctx.now() : dateOf(given.at)
    if (at.getTime() > latest)
      addProblem(problems, { row, column: 'at', value: given.at, rule: 'lies more than a day ahead', fix: inUtc })
    const first = ids.get(given.id)
    if (first !== undefined)
      addProblem(problems, { row, column: 'id', value: given.id, rule: `is the id of row ${first} too` })
    ids.set(given.id, row)
    const output = plainOutput(given.output)
    const marks = given.marks ?? marksOf(output, given.bad, serves.output)
    const faulty = !isValid(output, serves.output) || marks.some((mark) => !harmless.has(mark))
    const bad = given.bad ?? (faulty ? 'invalid' : null)
    const one: Omit<LogRecord, 'forced'> = {
      id: given.id,
      endpoint: model,
      at: isoOf(at.getTime()),
      unit: given.unit ?? given.id,
      release: given.release ?? (given.version ? `v${given.version}` : unnamed),
      version: given.version ?? 0,
      arm: 'live',
      inputs,
      output,
      bad,
      marks,
      latencyMs: given.latencyMs ?? 0,
      fallback: marks.includes('stand_in'),
      traceId: given.traceId ?? null,
      knownAt: null,
      cost: given.cost ?? null,
      tokens: given.tokens ?? null,
      firstTokenMs: null,
    }
    const kept = keeps(rules, { ...one, rollout: false })
    return kept === 'no' ? [] : [redact(rules, { ...one, forced: kept === 'forced' }, { count: 0 })]
  })
  refuseProblems(problems, 'The predictions', 'invalid_input')
  return found
}

function plainOutput(given: Prediction['output']): LogRecord['output'] {
  if (typeof given === 'boolean') return Number(given)
  return typeof given === 'object' && given !== null ? JSON.stringify(given) : given
}

/** Marks of answers that are answers all the same. */
const harmless: ReadonlySet<registry.AnswerMark> = new Set(['stand_in', 'class_for_probability'])

/** What the value says of itself; one that is missing because of an error says nothing. */
function marksOf(output: unknown, bad: Prediction['bad'], kind: OutputKind): registry.AnswerMark[] {
  const mark = bad === 'error' && output === null ? undefined : registry.markOfValue(output, kind)
  return mark === undefined ? [] : [mark]
}

const inUtc = 'Times are ISO 8601, UTC where no zone is written.'
const plainValues = 'Send numbers, texts, true, false and null; write what is nested as columns of its own.'

function inputsOf(given: Record<string, unknown>, row: number, problems: Problems): LogRecord['inputs'] {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (typeof value === 'boolean') return [name, Number(value)]
      if (value === null || typeof value === 'number' || typeof value === 'string') return [name, value]
      const column = `inputs.${name}`
      if (typeof value !== 'bigint') {
        addProblem(problems, { row, column, value: exactJson(value), rule: 'is nested', fix: plainValues })
        return [name, null]
      }
      // Whole numbers are exact: what a double cannot hold is kept as its digits, as everywhere else.
      const exact = exactInteger(String(value))
      if (exact === undefined)
        addProblem(problems, { row, column, value, rule: 'does not fit into 64 bits', fix: 'Send it as a text.' })
      return [name, typeof exact === 'number' ? exact : String(value)]
    }),
  )
}
