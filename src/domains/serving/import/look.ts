import type { Context } from '../../../core/context.ts'
import { toAppError } from '../../../core/errors.ts'
import type { JobInput, JobOutput } from '../../../core/job-contract.ts'
import { digestOfJson } from '../../../core/json/json.ts'
import { transaction } from '../../../core/transaction.ts'
import * as datasets from '../../datasets/datasets.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { append } from '../events.ts'
import type { ImportCounts } from '../import-shapes.ts'
import type { jobs } from '../jobs.ts'
import { type Found, nothing } from './found.ts'
import * as store from './import-store.ts'
import { takeLabels } from './labels.ts'
import { planAt } from './planning.ts'
import { takePredictions } from './predictions.ts'
import { isAskedFor, labelSetup, predictionSetup } from './setup.ts'

type Job = (typeof jobs)['serving.import']
type Kind = JobInput<Job>['what']
type Done = JobOutput<Job>

const keptBadRows = 100
const longestReason = 500

/**
 * The job: takes what is new of a source as labels or predictions of a model. What was taken is known by its id, so a look that
 * was stopped is simply done again from where it was saved.
 */
export async function importRows(ctx: Context, { model, what }: JobInput<Job>): Promise<Done> {
  const spec = await registry.currentSpec(ctx, model)
  const setup = spec && (what === 'labels' ? labelSetup(spec) : predictionSetup(spec))
  if (!spec || !setup) return { rows: 0, taken: 0, problem: null }
  const digest = digestOfJson(setup)
  const known = await store.findImport(ctx, model, what)
  const before = known?.setup === digest ? known : { ...(known ?? fresh(model, what)), setup: digest, ...begun() }
  try {
    const { definition, columns, lastSeq } = await datasets.describeSource(ctx, setup.source)
    // Another source of the same name begins again with its first row.
    let from = Number(before.cursor) <= lastSeq ? before : { ...before, ...begun() }
    let look = nothing()
    do {
      const given = { spec, before: from, definition, lastSeq }
      const names = Object.keys(columns)
      const found =
        what === 'labels' ? await takeLabels(ctx, { ...given, columns: names }) : await takePredictions(ctx, given)
      look = sumOf(look, found.counts)
      from = await save(ctx, { spec, what, before: from, found: { ...found, look }, problem: null })
    } while (from.cursor < lastSeq)
    return { rows: look.rows, taken: look.taken, problem: null }
  } catch (error) {
    const problem = reasonOf(ctx, model, error)
    const wanted = what === 'predictions' || (spec && isAskedForLabels(spec))
    await save(ctx, { spec, what, before, found: undefined, problem: wanted ? problem : null })
    return { rows: 0, taken: 0, problem }
  }
}

function isAskedForLabels(spec: ModelSpec): boolean {
  const setup = labelSetup(spec)
  return setup !== undefined && isAskedFor(setup)
}

function reasonOf(ctx: Context, model: string, error: unknown): string {
  const { code, message } = toAppError(error)
  if (code === 'internal') ctx.log.error({ err: error, model }, 'rows of a source could not be taken')
  const sentence = message.replace(/\.$/, '')
  return sentence.length > longestReason ? `${sentence.slice(0, longestReason - 1)}…` : sentence
}

function begun() {
  const content = {
    last: nothing(),
    all: nothing(),
    waiting: 0,
    nextAt: null,
    badRows: [],
    lookedAt: null,
    segments: [],
  }
  return { cursor: 0, content }
}

function fresh(model: string, what: Kind): store.ImportRecord {
  return { model, what, setup: '', at: '', problem: null, ...begun() }
}

type Result = {
  spec: ModelSpec
  what: Kind
  before: store.ImportRecord
  /** With the sum of its look so far. */
  found: (Found & { look: ImportCounts }) | undefined
  problem: string | null
}

async function save(ctx: Context, { spec, what, before, found, problem }: Result): Promise<store.ImportRecord> {
  const { model } = spec
  return transaction(ctx, async (ctx) => {
    const at = ctx.now().toISOString()
    const news = found && { cursor: found.cursor, content: merged(before, found, at) }
    const record = { ...before, ...news, at, problem }
    await store.saveImport(ctx, record)
    if (problem !== null && problem !== before.problem)
      await append(ctx, 'serving.import_failed', `model/${model}`, { what, problem })
    if (problem === null && before.problem !== null)
      await append(ctx, 'serving.import_recovered', `model/${model}`, { what })
    if (found?.nextAt) await planAt(ctx, spec, found.nextAt)
    return record
  })
}

/** A look without anything new says nothing of the one before it. */
function merged(
  { content }: store.ImportRecord,
  { counts, look, badRows, waiting, nextAt, segments }: NonNullable<Result['found']>,
  lookedAt: string,
): store.ImportContent {
  return {
    last: Object.values(look).some((count) => count > 0) ? look : content.last,
    all: sumOf(content.all, counts),
    waiting,
    nextAt,
    badRows: [...badRows, ...content.badRows].slice(0, keptBadRows),
    lookedAt,
    segments,
  }
}

function sumOf(a: ImportCounts, b: ImportCounts): ImportCounts {
  return {
    rows: a.rows + b.rows,
    taken: a.taken + b.taken,
    known: a.known + b.known,
    corrected: a.corrected + b.corrected,
    without: a.without + b.without,
    ambiguous: a.ambiguous + b.ambiguous,
    bad: a.bad + b.bad,
  }
}
