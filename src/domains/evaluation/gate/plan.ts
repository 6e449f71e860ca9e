import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { invalidInput } from '../../../core/errors.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import {
  findMetric,
  itemsNeeded,
  itemsNeededForShares,
  judgingOf,
  repeatsOf,
  smallestMeanMargin,
  smallestShareMargin,
} from '../comparison/comparison.ts'
import type { evaluation } from '../contract.ts'
import { getGolden } from '../golden/golden.ts'
import { formatNumber } from '../rules.ts'
import * as store from '../store.ts'

type Operations = typeof evaluation
type Plan = Output<Operations['planGate']>
type MarginPlan = Output<Operations['planMargin']>

/** Assumed share of items on which two equally good models disagree, until an evaluation has measured it. */
const assumedDiscordance = 0.1

/** What the golden set can prove if both models are equally good, so that a margin is chosen knowingly. */
export async function planGate(ctx: Context, { model }: Input<Operations['planGate']>): Promise<Plan> {
  const spec = await registry.requireSpec(ctx, model)
  const { metric, margin } = spec.success.quality
  const set = await getGolden(ctx, { golden: spec.golden })
  const found = await smallestProvableMargin(ctx, {
    model,
    golden: spec.golden,
    metric,
    items: set.items,
    binary: isShare(spec, set),
  })
  const enough =
    found.margin === null
      ? ''
      : found.margin <= margin
        ? ` Your margin of ${margin} can be proved.`
        : ` Your margin of ${margin} is smaller: the gate would mostly answer "cannot tell". Add items or widen the margin.`
  return {
    golden: set.name,
    items: set.items,
    metric,
    margin,
    smallestMargin: found.margin,
    explanation: `${found.explanation}${enough}`,
  }
}

/** Independent items, right or wrong, one answer each: only then is the smallest margin known before any evaluation. */
function isShare(spec: ModelSpec, set: Output<Operations['getGolden']>): boolean {
  const metric = findMetric(judgingOf(spec), spec.success.quality.metric)
  return metric?.counts === true && repeatsOf(spec) === 1 && set.definition.cluster === undefined
}

type MarginInput = { model: string; golden: string; metric: string; items: number; binary: boolean }

async function smallestProvableMargin(
  ctx: Context,
  { model, golden, metric, items, binary }: MarginInput,
): Promise<{ margin: number | null; explanation: string }> {
  if (binary) {
    const margin = smallestShareMargin(items, assumedDiscordance)
    return {
      margin,
      explanation: `With ${items} items, and models that disagree on ${100 * assumedDiscordance} % of them, the smallest margin of ${metric} that can be proved is ${formatNumber(margin)}.`,
    }
  }
  const measured = await store.latestSpread(ctx, { model, golden, metric })
  if (!measured || measured.standard_error === null) {
    const explanation = `How much ${metric} differs from item to item is not known before the first evaluation: run "keel eval ${model}@<version>", then ask again.`
    return { margin: null, explanation }
  }
  const { n, against } = measured.body
  const { margin, powered } = smallestMeanMargin({ standardError: measured.standard_error, measuredOn: n, items })
  return {
    margin,
    explanation: `With ${items} items, and differences that scatter as they did for v${measured.version} against ${against} (n ${n}), the smallest margin of ${metric} that can be proved between equally good models is ${formatNumber(margin)}; one of ${formatNumber(powered)} is proved in 80 % of such cases.`,
  }
}

const usualDiscordances = [0, 0.02, 0.05, 0.1, 0.2]

/** The smallest margins for a number of items, without a spec: by the share of disagreement for right/wrong answers, by the deviation for graded ones. */
export async function planMargin(
  ctx: Context,
  { golden, items: given, discordance, deviation, margin }: Input<Operations['planMargin']>,
): Promise<MarginPlan> {
  const items = given ?? (golden === undefined ? undefined : (await getGolden(ctx, { golden })).items)
  if (items === undefined) {
    throw invalidInput('Name a golden set or a number of items.', { name: 'items', hint: 'keel gate plan --items 200' })
  }
  if (deviation !== undefined) {
    const error = deviation / Math.sqrt(items)
    const { margin: proved, powered } = smallestMeanMargin({ standardError: error, measuredOn: items, items })
    const explanation = `With ${items} items, and differences with a standard deviation of ${deviation}, the smallest margin that can be proved between equally good models is ${formatNumber(proved)}; one of ${formatNumber(powered)} is proved in 80 % of such cases.`
    const one = {
      discordance: null,
      deviation,
      smallestMargin: proved,
      itemsForMargin: margin === undefined ? null : itemsNeeded({ margin, variance: deviation ** 2 }),
    }
    return { items, margins: [one], explanation }
  }
  const shares = discordance === undefined ? usualDiscordances : [discordance]
  const margins = shares.map((share) => ({
    discordance: share,
    deviation: null,
    smallestMargin: smallestShareMargin(items, share),
    itemsForMargin: margin === undefined ? null : itemsNeededForShares({ margin, discordance: share }),
  }))
  const typical = margins.find((one) => one.discordance === (discordance ?? assumedDiscordance))
  const explanation = `With ${items} items, and models that disagree on ${100 * (typical?.discordance ?? 0)} % of them, the smallest margin that can be proved between equally good models is ${formatNumber(typical?.smallestMargin ?? null)}.`
  return { items, margins, explanation }
}
