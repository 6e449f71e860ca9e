import type { Context } from '../../../core/context.ts'
import type { Input } from '../../../core/contract.ts'
import { AppError, invalidInput } from '../../../core/errors.ts'
import { fromLake } from '../../../core/lake.ts'
import { parse } from '../../../core/validate.ts'
import * as datasets from '../../datasets/datasets.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { serving } from '../contract.ts'
import { recordPredictions } from '../log/log.ts'
import { type Found, nothing } from './found.ts'
import type { ImportRecord } from './import-store.ts'
import { type PredictionSetup, predictionSetup } from './setup.ts'

type Given = { spec: ModelSpec; before: ImportRecord; definition: datasets.Definition; lastSeq: number }
type Prediction = Input<(typeof serving)['recordPredictions']>['predictions'][number]
type Row = Record<string, unknown>
type FoundPrediction = { seq: number; prediction: Prediction }

/** Rows that are read and recorded at once: so many make a part of the log that nothing has to be merged with. */
const page = 10_000
const mostBadRows = 100

const { predictions: shape } = serving.recordPredictions.input.properties

/** Writes the next rows of a source down as predictions. What was recorded is known by its id, so rows may be looked at twice. */
export async function takePredictions(ctx: Context, { spec, before, definition, lastSeq }: Given): Promise<Found> {
  const setup = predictionSetup(spec)
  const found: Found = { cursor: before.cursor, counts: nothing(), badRows: [], waiting: 0, nextAt: null, segments: [] }
  if (!setup || found.cursor >= lastSeq) return found
  const to = Math.min(found.cursor + page, lastSeq)
  const range = { source: setup.source, afterSeq: found.cursor, uptoSeq: to }
  const rows = await datasets.withSource(ctx, range, (lake, table) =>
    lake.query(`select * from ${table} order by _seq`),
  )
  requireColumns(rows, setup)
  await take(ctx, spec.model, rows, { setup, definition, found })
  found.counts.rows = rows.length
  found.cursor = to
  return found
}

function requireColumns([row]: Row[], { source, columns, inputs = [] }: PredictionSetup): void {
  if (row === undefined) return
  const wanted = [...Object.values(columns), ...inputs].filter((name) => name !== undefined)
  const missing = wanted.find((name) => !Object.hasOwn(row, name))
  if (missing !== undefined)
    throw invalidInput(`The source "${source}" has no column "${missing}".`, {
      name: missing,
      hint: 'Name the columns of the source under "predictions" in the spec of the model.',
    })
}

type Taking = { setup: PredictionSetup; definition: datasets.Definition; found: Found }

async function take(ctx: Context, model: string, rows: Row[], { setup, definition, found }: Taking): Promise<void> {
  const seen = new Set<string>()
  const fresh = rows.flatMap((row): FoundPrediction[] => {
    const prediction = toPrediction(row, setup, definition)
    if (seen.has(prediction.id)) {
      found.counts.known += 1
      return []
    }
    seen.add(prediction.id)
    return [{ seq: Number(row['_seq']), prediction }]
  })
  await recordEach(ctx, model, fresh, found)
}

/** Records all that can be, and finds by halves what cannot. */
async function recordEach(ctx: Context, model: string, given: FoundPrediction[], found: Found): Promise<void> {
  const [first] = given
  if (!first) return
  try {
    const predictions = parse(
      shape,
      given.map(({ prediction }) => prediction),
      { what: 'The predictions' },
    )
    const done = await recordPredictions(ctx, { endpoint: model, predictions })
    found.counts.taken += done.accepted
    found.counts.known += done.known
    return
  } catch (error) {
    if (!(error instanceof AppError) || !['invalid_input', 'not_found'].includes(error.code)) throw error
    if (given.length === 1) {
      found.counts.bad += 1
      if (found.badRows.length < mostBadRows) found.badRows.push({ row: first.seq, what: whatOf(error) })
      return
    }
  }
  const middle = Math.ceil(given.length / 2)
  await recordEach(ctx, model, given.slice(0, middle), found)
  await recordEach(ctx, model, given.slice(middle), found)
}

function whatOf({ issues, message }: AppError): string {
  if (issues === undefined) return message.replace(/\.$/, '')
  return issues.map(({ path, message }) => `"${path.replace(/^(0|1)\.?/, '')}": ${message}`).join('; ')
}

function toPrediction(row: Row, { columns, inputs }: PredictionSetup, definition: datasets.Definition): Prediction {
  const value = (name: string | undefined) => (name === undefined ? undefined : fromLake(row[name]))
  const text = (name: string | undefined) => {
    const found = value(name)
    return found === null || found === undefined ? undefined : String(found)
  }
  const number = (name: string | undefined) => {
    const found = value(name)
    return found === null || found === undefined ? undefined : Number(found)
  }
  const at = text(columns.at ?? definition.time) ?? text('_ingested_at')
  const special = new Set([...Object.values(columns), definition.time, definition.known_at, '_seq', '_ingested_at'])
  const names = inputs ?? Object.keys(row).filter((name) => !special.has(name))
  const given = {
    release: text(columns.release),
    version: number(columns.version),
    unit: text(columns.unit),
    latencyMs: number(columns.latency),
  }
  return {
    id: text(columns.id) ?? '',
    at,
    output: value(columns.output) as Prediction['output'],
    inputs: Object.fromEntries(names.map((name) => [name, value(name)])),
    ...Object.fromEntries(Object.entries(given).filter(([, one]) => one !== undefined)),
  } as Prediction
}
