import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { append } from '../../core/events.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { answersOf, labelsOf, taskOf } from './answers.ts'
import { compareAside } from './compare-aside.ts'
import type { Comparison, Pairs } from './comparison.ts'
import { type Contender, type ModelVersion, openContender, resolveBaseline, versionContender } from './contender.ts'
import type { evaluation } from './contract.ts'
import { readGolden } from './golden.ts'
import { type Item, toJsonLines } from './items.ts'
import { type Latencies, measureLatency } from './latency.ts'
import { positionOf } from './paging.ts'
import type { EvaluationsTable } from './schema.ts'
import { simpleBaselines } from './simple-baselines.ts'
import * as store from './store.ts'

type Operations = typeof evaluation
type Evaluation = Output<Operations['evaluate']>
type GoldenSet = Output<Operations['getGolden']>

/** Fixed, so that resampling gives the same bounds again; recorded in the evidence of every gate. */
export const seed = 20_010_101

/** An evaluation with what a gate needs beside it. */
export type Examination = {
  evaluation: Evaluation
  comparison: Comparison
  set: GoldenSet
  items: Item[]
  candidate: Contender
  baseline: Contender
  latencies: Latencies | undefined
}

export async function evaluate(ctx: Context, input: Input<Operations['evaluate']>): Promise<Evaluation> {
  const spec = await registry.requireSpec(ctx, input.model)
  const version = await registry.getVersion(ctx, { model: input.model, version: input.version })
  const examined = await examine(ctx, {
    spec,
    version,
    golden: input.golden ?? spec.golden,
    against: input.against ?? 'live',
    timed: false,
  })
  return examined.evaluation
}

type Examine = { spec: ModelSpec; version: ModelVersion; golden: string; against: string; timed: boolean }

/** Runs both sides on the same golden items and records the evaluation. */
export async function examine(
  ctx: Context,
  { spec, version, golden, against: asked, timed }: Examine,
): Promise<Examination> {
  const task = taskOf(spec)
  const { set, items } = await readGolden(ctx, { golden })
  const slices = slicesOf(spec, set, items)
  const labels = labelsOf(set.definition, items, task)
  const given = { definition: set.definition, items }
  const candidate = await versionContender(ctx, version, given)
  const { contender: baseline, against } = await resolveBaseline(ctx, {
    against: asked,
    candidate: version,
    golden: given,
  })
  const { pairs, latencies } = await runBoth(ctx, { candidate, baseline, set, items, labels, timed })
  const { metric, margin } = spec.success.quality
  const comparison = await compareAside(pairs, {
    task,
    metric,
    margin,
    limited: limitedBy(spec),
    slices,
    seed,
    baselineName: against,
    sameVersion: baseline.version === candidate.version,
  })
  const outputs = await ctx.blobs.put(outputLines(pairs))
  const record: Evaluation = {
    id: ctx.id('eval'),
    model: spec.model,
    version: version.version,
    golden: set.name,
    goldenVersion: set.version,
    against,
    baselineVersion: baseline.version,
    asOf: candidate.asOf,
    n: items.length,
    ...reported(comparison),
    simpleBaselines: await simpleBaselines(ctx, {
      spec,
      version,
      task,
      definition: set.definition,
      items,
      labels,
      baseline,
    }),
    outputs: outputs.digest,
    createdAt: ctx.now().toISOString(),
  }
  await save(ctx, record, comparison.primary.standardError)
  return { evaluation: record, comparison, set, items, candidate, baseline, latencies }
}

function limitedBy({ success }: ModelSpec): string[] {
  return [...(success.floors ?? []), ...(success.guardrails ?? [])].map(({ metric }) => metric)
}

function slicesOf(spec: ModelSpec, { name, columns }: GoldenSet, items: Item[]): { slice: string; values: string[] }[] {
  return (spec.success.slices ?? []).map((slice) => {
    const values = items.map((item) => item[slice])
    const missing = values.findIndex((value) => value === undefined || value === null)
    if (missing < 0) return { slice, values: fewValues(slice, values.map(String)) }
    throw invalidInput(`Row ${missing + 1} of the golden set "${name}" has no "${slice}", which the spec slices by.`, {
      name: slice,
      hint: `Columns: ${columns.join(', ')}.`,
    })
  })
}

const mostSliceValues = 200

function fewValues(slice: string, values: string[]): string[] {
  const distinct = new Set(values).size
  if (distinct <= mostSliceValues) return values
  throw invalidInput(`"${slice}" has ${distinct} different values; a slice may have ${mostSliceValues}.`, {
    name: slice,
    hint: 'Slice by a column with few values, such as a region or a group.',
  })
}

type RunBoth = {
  candidate: Contender
  baseline: Contender
  set: GoldenSet
  items: Item[]
  labels: number[]
  timed: boolean
}

async function runBoth(
  ctx: Context,
  { candidate, baseline, set, items, labels, timed }: RunBoth,
): Promise<{ pairs: Pairs; latencies: Latencies | undefined }> {
  const first = await openContender(ctx, candidate)
  try {
    const second = await openContender(ctx, baseline)
    try {
      const pairs: Pairs = {
        ids: items.map((item) => String(item[set.definition.id])),
        labels,
        candidate: await answersOf(candidate.name, first, candidate.inputs),
        baseline: await answersOf(baseline.name, second, baseline.inputs),
      }
      if (!timed) return { pairs, latencies: undefined }
      const sides = [
        { runtime: first, inputs: candidate.inputs },
        { runtime: second, inputs: baseline.inputs },
      ] as const
      return { pairs, latencies: await measureLatency(ctx, ...sides) }
    } finally {
      await second.close()
    }
  } finally {
    await first.close()
  }
}

function reported({ primary, metrics, slices }: Comparison): Pick<Evaluation, 'primary' | 'metrics' | 'slices'> {
  const { standardError: _, ...shownPrimary } = primary
  return {
    primary: shownPrimary,
    metrics: metrics.map(({ metric, direction, candidate, baseline }) => ({
      metric,
      direction,
      candidate: { ...candidate, n: primary.difference.n },
      baseline: { ...baseline, n: primary.difference.n },
    })),
    slices: slices.map(({ worse: _, ...slice }) => slice),
  }
}

function outputLines({ ids, labels, candidate, baseline }: Pairs): Buffer {
  return toJsonLines(
    ids.map((id, index) => ({
      id,
      label: labels[index],
      candidate: candidate[index] ?? null,
      baseline: baseline[index] ?? null,
    })),
  )
}

async function save(ctx: Context, record: Evaluation, standardError: number | null): Promise<void> {
  await transaction(ctx, async (ctx) => {
    await store.insertEvaluation(ctx, {
      id: record.id,
      model: record.model,
      version: record.version,
      golden: record.golden,
      metric: record.primary.metric,
      standard_error: standardError,
      body: JSON.stringify(record),
    })
    await append(ctx, 'evaluation.evaluated', `model/${record.model}`, {
      evaluation: record.id,
      version: record.version,
      against: record.against,
      verdict: record.primary.verdict,
    })
  })
}

export async function getEvaluation(
  ctx: Context,
  { evaluation }: Input<Operations['getEvaluation']>,
): Promise<Evaluation> {
  const row = await store.findEvaluation(ctx, evaluation)
  if (!row) throw notFound('Evaluation', evaluation)
  return toEvaluation(row)
}

export async function listEvaluations(
  ctx: Context,
  { model, limit = 100, cursor }: Input<Operations['listEvaluations']>,
): Promise<Output<Operations['listEvaluations']>> {
  const rows = await store.listEvaluations(ctx, { model, before: positionOf(cursor), limit })
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items: rows.map(toEvaluation), ...(last ? { next: String(last.seq) } : {}) }
}

function toEvaluation(row: EvaluationsTable): Evaluation {
  return JSON.parse(row.body) as Evaluation
}
