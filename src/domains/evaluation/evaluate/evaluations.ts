import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { notFound } from '../../../core/errors.ts'
import { cursorNumber, nextOf } from '../../../core/paging.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { ModelVersion } from '../answers/answers.ts'
import type { Comparison, Pairs } from '../comparison/comparison.ts'
import type { evaluation } from '../contract.ts'
import { append } from '../events.ts'
import { toJsonLines } from '../golden/golden.ts'
import * as store from '../store.ts'
import { type ComparisonRun, runComparison } from './run-comparison.ts'
import { simpleBaselines } from './simple-baselines.ts'

type Operations = typeof evaluation
type Evaluation = Output<Operations['evaluate']>

export async function evaluate(ctx: Context, input: Input<Operations['evaluate']>): Promise<Evaluation> {
  const spec = await registry.requireSpec(ctx, input.model)
  const version = await registry.getVersion(ctx, { model: input.model, version: input.version })
  const comparisonRun = await runComparison(ctx, {
    spec,
    version,
    golden: input.golden ?? spec.golden,
    against: input.against ?? 'live',
    timed: false,
  })
  return recordEvaluation(ctx, { spec, version, comparisonRun })
}

/** Stores a comparison: what is shown of it, and in a blob everything it was made from. */
export async function recordEvaluation(
  ctx: Context,
  { spec, version, comparisonRun }: { spec: ModelSpec; version: ModelVersion; comparisonRun: ComparisonRun },
): Promise<Evaluation> {
  const { comparison, representativeness, set, items, pairs, candidate, baseline, against, recorded, repeats } =
    comparisonRun
  const outputs = await ctx.blobs.put(outputLines(pairs))
  const everything = await ctx.blobs.put(Buffer.from(JSON.stringify(recorded)))
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
    repeats,
    ...shownComparison(comparison),
    representativeness,
    judges: recorded.scored.judges.map(({ evidence: _, ...judgeInterval }) => judgeInterval),
    simpleBaselines: await simpleBaselines(ctx, { spec, version, comparisonRun }),
    outputs: outputs.digest,
    createdAt: ctx.now().toISOString(),
  }
  await save(ctx, record, comparison.primary.standardError, everything.digest)
  return record
}

type ShownComparison = Pick<Evaluation, 'primary' | 'metrics' | 'slices' | 'stability' | 'hidden'>

function shownComparison({ primary, metrics, slices, stability, hidden }: Comparison): ShownComparison {
  const { standardError: _, ...shownPrimary } = primary
  return {
    primary: shownPrimary,
    metrics: metrics.map(({ metric, direction, candidate, baseline }) => ({
      metric,
      direction,
      candidate: { ...candidate, n: primary.difference.n },
      baseline: { ...baseline, n: primary.difference.n },
    })),
    slices: slices.map(({ worse: _worse, because: _because, ...slice }) => slice),
    stability,
    hidden,
  }
}

/** One line for each item that is not hidden; with several repeats, answers and scores are lists. */
function outputLines({ ids, labels, candidate, baseline, hidden }: Pairs): Buffer {
  const of = (repeats: readonly (readonly unknown[])[], index: number) => {
    const all = repeats.map((answers) => answers[index] ?? null)
    return all.length === 1 ? all[0] : all
  }
  const scoresOf = (scores: Pairs['candidate']['scores'], index: number) =>
    Object.fromEntries(Object.entries(scores).map(([name, repeats]) => [name, of(repeats, index)]))
  const scored = Object.keys(candidate.scores).length > 0
  return toJsonLines(
    ids.flatMap((id, index) =>
      hidden?.[index] === true
        ? []
        : [
            {
              id,
              label: labels[index],
              candidate: of(candidate.answers, index),
              baseline: of(baseline.answers, index),
              ...(scored
                ? {
                    candidateScores: scoresOf(candidate.scores, index),
                    baselineScores: scoresOf(baseline.scores, index),
                  }
                : {}),
            },
          ],
    ),
  )
}

async function save(ctx: Context, record: Evaluation, standardError: number | null, everything: string): Promise<void> {
  await transaction(ctx, async (ctx) => {
    await store.insertEvaluation(ctx, {
      id: record.id,
      model: record.model,
      version: record.version,
      golden: record.golden,
      metric: record.primary.metric,
      standard_error: standardError,
      body: record,
      record: everything,
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
  return toEvaluation(await requireEvaluation(ctx, evaluation))
}

export async function requireEvaluation(ctx: Context, id: string): Promise<store.EvaluationRecord> {
  const row = await store.findEvaluation(ctx, id)
  if (!row) throw notFound('Evaluation', id)
  return row
}

export async function listEvaluations(
  ctx: Context,
  { model, limit = 100, cursor }: Input<Operations['listEvaluations']>,
): Promise<Output<Operations['listEvaluations']>> {
  const rows = await store.listEvaluations(ctx, { model, before: cursorNumber(cursor), limit })
  return { items: rows.map(toEvaluation), ...nextOf(rows, limit, ({ seq }) => seq) }
}

/** Evaluations stored by earlier versions lack these fields: nothing of the kind was measured then. */
function toEvaluation({ body }: store.EvaluationRecord): Evaluation {
  return {
    ...body,
    repeats: body.repeats ?? 1,
    stability: body.stability ?? [],
    judges: body.judges ?? [],
    hidden: body.hidden ?? null,
    representativeness: body.representativeness ?? null,
  }
}
