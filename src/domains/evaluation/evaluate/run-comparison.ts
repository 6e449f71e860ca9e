import type { Context } from '../../../core/context.ts'
import type { Output } from '../../../core/contract.ts'
import { invalidInput } from '../../../core/errors.ts'
import { digestOfJson } from '../../../core/json/json.ts'
import type { Against, ModelSpec } from '../../registry/spec/spec.ts'
import {
  type CollectedAnswers,
  collectAnswers,
  faultOfBaseline,
  type Golden,
  groupingOf,
  labelsOf,
  type Measurements,
  type ModelVersion,
  openSide,
  resolveBaseline,
  type Side,
  versionSide,
} from '../answers/answers.ts'
import {
  type Comparison,
  hiddenItems,
  judgingOf,
  type Pairs,
  type Representativeness,
  repeatsOf,
  seed,
} from '../comparison/comparison.ts'
import type { evaluation } from '../contract.ts'
import { type Item, readGolden } from '../golden/golden.ts'
import { goldenFacts, readTraffic } from '../production/production.ts'
import { type AnswerScores, scoreAnswers } from '../scoring/scoring.ts'
import { textOf } from '../text-of.ts'
import { compareInThread } from './comparison-thread.ts'

type GoldenSet = Output<(typeof evaluation)['getGolden']>

/** Answers, scores and times of both sides: enough to make the decision again without asking the models. */
export type RecordedAnswers = CollectedAnswers & { scored: AnswerScores }

/** A comparison, and what a gate needs besides. */
export type ComparisonRun = {
  comparison: Comparison
  representativeness: Representativeness
  logistic: number[] | null
  /** Digest of the sample of production that the set was compared with. */
  traffic: string | null
  set: GoldenSet
  items: Item[]
  pairs: Pairs
  candidate: Side
  baseline: Side
  against: string
  recorded: RecordedAnswers
  measured: Measurements | undefined
  repeats: number
}

type ComparisonRequest = {
  spec: ModelSpec
  version: ModelVersion
  golden: string
  goldenVersion?: number | undefined
  against: Against
  timed: boolean
  /** Digest of the sample of production to use; null for none, undefined for the newest. */
  traffic?: string | null | undefined
  /** Answers recorded earlier, which are judged again instead of asking the models. */
  recorded?: RecordedAnswers | undefined
}

/** Collects the answers of both sides to the same golden items, or takes recorded ones, and compares them. */
export async function runComparison(ctx: Context, request: ComparisonRequest): Promise<ComparisonRun> {
  const { spec, version, timed } = request
  const judging = judgingOf(spec)
  const { set, items } = await readGolden(ctx, { golden: request.golden, version: request.goldenVersion })
  const { definition } = set
  if (judging.task === 'ranking' && definition.list === undefined) {
    throw invalidInput(`The golden set "${set.name}" does not say which items are ranked together.`, {
      name: set.name,
      hint: 'Name the column under "list" in keel.yaml.',
    })
  }
  const slices = slicesOf(spec, set, items)
  const labels = labelsOf(definition, items, judging.task)
  const golden = { definition, items, spec, set }
  const candidate = await versionSide(ctx, version, golden)
  const { side: baseline, against } = await resolveBaseline(ctx, {
    against: request.against,
    candidate: version,
    golden,
  })
  const ids = items.map((item) => textOf(item[definition.id]))
  const repeats = repeatsOf(spec)
  const recorded =
    request.recorded ??
    (await collectAndScore(ctx, { golden, candidate, baseline, against, ids, labels, repeats, timed }))
  const { scored } = recorded
  const pairs: Pairs = {
    ids,
    labels,
    candidate: { answers: recorded.candidate, scores: scored.candidate },
    baseline: { answers: recorded.baseline, scores: scored.baseline },
    lists: groupingOf(items, definition.list),
    clusters: groupingOf(items, definition.cluster),
    hidden: hiddenItems(definition, set.version, items),
  }
  const { metric, margin } = spec.success.quality
  const traffic = request.traffic === null ? undefined : await readTraffic(ctx, spec.model, request.traffic)
  const settings = {
    ...judging,
    metric,
    margin,
    sliceMargin: spec.success.slice_margin ?? margin,
    limited: limitedBy(spec),
    slices,
    seed,
    baselineName: against,
    sameVersion: baseline.version === candidate.version,
  }
  const facts = await goldenFacts(ctx, { spec, version, definition, items, candidate, baseline, traffic })
  const { comparison, representativeness, logistic } = await compareInThread({ pairs, settings, golden: facts })
  return {
    comparison,
    representativeness,
    logistic,
    traffic: traffic?.digest ?? null,
    set,
    items,
    pairs,
    candidate,
    baseline,
    against,
    recorded,
    measured: recorded.measured,
    repeats,
  }
}

type AnswerRequest = {
  golden: Golden
  candidate: Side
  baseline: Side
  against: string
  ids: string[]
  labels: (number | string)[]
  repeats: number
  timed: boolean
}

async function collectAndScore(
  ctx: Context,
  { golden, candidate, baseline, against, ids, labels, repeats, timed }: AnswerRequest,
): Promise<RecordedAnswers> {
  const { spec } = golden
  const first = await openSide(ctx, candidate, golden)
  try {
    const second = await openSide(ctx, baseline, golden).catch((error: unknown) => {
      throw faultOfBaseline(error, baseline, against)
    })
    try {
      const answers = await collectAnswers(ctx, { candidate: first, baseline: second, against, ids, repeats, timed })
      const scorers = spec.serves.output === 'text' ? (spec.success.scorers ?? []) : []
      const scored = await scoreAnswers(ctx, { scorers, items: { ids, questions: candidate.inputs, labels }, answers })
      return { ...answers, scored }
    } finally {
      await second.close()
    }
  } finally {
    await first.close()
  }
}

/** What the verdict depends on, apart from the spec. */
export function evidenceOf({
  set,
  candidate,
  baseline,
  recorded,
  repeats,
  traffic,
}: ComparisonRun): Record<string, unknown> {
  const { scored, measured: _, ...answers } = recorded
  return {
    golden: { name: set.name, version: set.version, digest: set.digest },
    candidate: candidate.evidence,
    // What a command says is not made from anything that is pinned, so its answers are.
    baseline: baseline.given ? { ...baseline.evidence, answers: digestOfJson(recorded.baseline) } : baseline.evidence,
    answers: digestOfJson([answers, scored.candidate, scored.baseline]),
    repeats,
    traffic,
    ...(Object.keys(scored.evidence).length === 0 ? {} : { scorers: scored.evidence }),
    seed,
  }
}

function limitedBy({ success }: ModelSpec): string[] {
  return [...(success.floors ?? []), ...(success.guardrails ?? [])].map(({ metric }) => metric)
}

function slicesOf(spec: ModelSpec, { name, columns }: GoldenSet, items: Item[]): { slice: string; values: string[] }[] {
  return (spec.success.slices ?? []).map((slice) => {
    const values = items.map((item) => item[slice])
    const missing = values.findIndex((value) => value === undefined || value === null)
    if (missing < 0) return { slice, values: requireFewValues(slice, values.map(String)) }
    throw invalidInput(`Row ${missing + 1} of the golden set "${name}" has no "${slice}", which the spec slices by.`, {
      name: slice,
      hint: `Columns: ${columns.join(', ')}.`,
    })
  })
}

const maxSliceValues = 200

function requireFewValues(slice: string, values: string[]): string[] {
  const distinct = new Set(values).size
  if (distinct <= maxSliceValues) return values
  throw invalidInput(`"${slice}" has ${distinct} different values; a slice may have ${maxSliceValues}.`, {
    name: slice,
    hint: 'Slice by a column with few values, such as a region or a group.',
  })
}
