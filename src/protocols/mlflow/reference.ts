import type { Context } from '../../core/context.ts'
import { AppError } from '../../core/errors.ts'
import * as artifacts from '../../domains/artifacts/artifacts.ts'
import * as evaluation from '../../domains/evaluation/evaluation.ts'
import * as features from '../../domains/features/features.ts'
import * as registry from '../../domains/registry/registry.ts'
import * as runs from '../../domains/runs/runs.ts'
import { invalid } from './errors.ts'
import { proxiedPath } from './locations.ts'

/** Clients of MLflow can only set tags: this one names the rows that a version was trained on. */
export const referenceTag = 'keel.reference'
const labelTag = `${referenceTag}.label`
const timeTag = `${referenceTag}.time`

type Tagged = { model: string; run: string | undefined; tags: Record<string, string> }

/**
 * The training set that a tag of the version, or of its run, names: one of ours by its id, a table among the run's artifacts by
 * its path, or a dataset that the run logged by its digest, where its source is an artifact of this server.
 */
export async function trainedOn(ctx: Context, { model, run: id, tags }: Tagged): Promise<string | undefined> {
  const run = id === undefined ? undefined : await orUndefined(runs.getRecord(ctx, id))
  const said = { ...Object.fromEntries((run?.tags ?? []).map(({ key, value }) => [key, value])), ...tags }
  const named = said[referenceTag]
  if (named === undefined || named === '') return undefined
  const set = await orUndefined(features.getTrainingSet(ctx, { trainingSet: named }))
  if (set) return set.id
  if (!run) throw invalid(`The tag "${referenceTag}" names ${JSON.stringify(named)}, and the version has no run here.`)
  const path = (await pathOfDataset(ctx, run.id, named)) ?? joined(run.location, named)
  const artifact = path === undefined ? undefined : await orUndefined(artifacts.freeze(ctx, { path }))
  if (artifact === undefined) throw invalid(await nothingNamed(ctx, run.id, named))
  const [label, time] = [said[labelTag], said[timeTag]]
  const table = { artifact, ...(time === undefined ? {} : { time }) }
  if (label !== undefined) return (await features.importTrainingSet(ctx, { ...table, label })).id
  return importWithGoldenLabel(ctx, model, table)
}

type TableOfRun = { artifact: string; time?: string }

/** Nobody named the label: it is called as in the golden set, where the table has a column of that name. */
async function importWithGoldenLabel(ctx: Context, model: string, table: TableOfRun): Promise<string> {
  const spec = await registry.currentSpec(ctx, model)
  const golden = spec && (await orUndefined(evaluation.getGolden(ctx, { golden: spec.golden })))
  const label = golden?.definition.label
  if (label !== undefined) {
    try {
      return (await features.importTrainingSet(ctx, { ...table, label })).id
    } catch (error) {
      if (!(error instanceof AppError) || error.offender !== label) throw error
    }
  }
  return (await features.importTrainingSet(ctx, table)).id
}

function joined(location: string, path: string): string | undefined {
  const folder = proxiedPath(location)
  return folder === undefined ? undefined : `${folder}/${path.replace(/^\/+/, '')}`
}

/** Where the rows of a logged dataset are in our tree of files; undefined for a digest that the run did not log, and for places elsewhere. */
async function pathOfDataset(ctx: Context, run: string, digest: string): Promise<string | undefined> {
  const found = (await runs.datasetsOf(ctx, run)).find(({ dataset }) => dataset.digest === digest)
  if (!found) return undefined
  const source = sourceOf(found.dataset.source)
  const own = /^runs:\/+([^/]+)\/(.+)$/.exec(source)
  if (!own?.[1]) return proxiedPath(source)
  const other = await orUndefined(runs.getRunInfo(ctx, own[1]))
  return other && joined(other.location, own[2] ?? '')
}

/** MLflow writes the source of a dataset as JSON, its place as `uri`. */
function sourceOf(source: string): string {
  try {
    const parsed: unknown = JSON.parse(source)
    if (typeof parsed === 'object' && parsed !== null && 'uri' in parsed) return String(parsed.uri)
  } catch {
    // A place as it stands.
  }
  return source
}

async function nothingNamed(ctx: Context, run: string, named: string): Promise<string> {
  const digests = (await runs.datasetsOf(ctx, run)).map(({ dataset }) => dataset.digest)
  const what = digests.includes(named)
    ? `The rows of the dataset ${JSON.stringify(named)} are not on this server.`
    : `The run "${run}" has no artifact and no dataset ${JSON.stringify(named)}.`
  return `${what} The tag "${referenceTag}" names training rows: log them with log_artifact and name their path, such as train.parquet.`
}

async function orUndefined<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup
  } catch (error) {
    if (error instanceof AppError && (error.code === 'not_found' || error.code === 'invalid_input')) return undefined
    throw error
  }
}
