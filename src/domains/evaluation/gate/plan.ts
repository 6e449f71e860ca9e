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
import { shown } from '../rules.ts'
import * as store from '../store.ts'

type Operations = typeof evaluation
type Plan = Output<Operations['planGate']>
type MarginPlan = Output<Operations['planMargin']>

/** Share of items on which two models of like quality disagree, where no evaluation has measured it yet. */
const assumedDiscordance = 0.1

/** What the golden set can prove if both models are equally good, so that a margin is chosen knowingly. */
export async function planGate(ctx: Context, { model }: Input<Operations['planGate']>): Promise<Plan> {
  const spec = await registry.requireSpec(ctx, model)
  const { metric, margin } = spec.success.quality
  const set = await getGolden(ctx, { golden: spec.golden })
  const found = await smallest(ctx, {
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

/** Independent, right or wrong, asked once: only then is the smallest margin known before any evaluation. */
function isShare(spec: ModelSpec, set: Output<Operations['getGolden']>): boolean {
  const metric = findMetric(judgingOf(spec), spec.success.quality.metric)
  return metric?.counts === true && repeatsOf(spec) === 1 && set.definition.cluster === undefined
}

type Question = { model: string; golden: string; metric: string; items: number; binary: boolean }

async function smallest(
  ctx: Context,
  { model, golden, metric, items, binary }: Question,
): Promise<{ margin: number | null; explanation: string }> {
  if (binary) {
    const margin = smallestShareMargin(items, assumedDiscordance)
    return {
      margin,
      explanation: `With ${items} items, and models that disagree on ${100 * assumedDiscordance} % of them, the smallest margin of ${metric} that can be proved is ${shown(margin)}.`,
    }
  }
  const seen = await store.latestSpread(ctx, { model, golden, metric })
  if (!seen || seen.standard_error === null) {
    const explanation = `How much ${metric} differs from item to item is not known before the first evaluation: run "keel eval ${model}@<version>", then ask again.`
    return { margin: null, explanation }
  }
  const { n, against } = JSON.parse(seen.body) as { n: number; against: string }
  const { margin, powered } = smallestMeanMargin({ standardError: seen.standard_error, measuredOn: n, items })
  return {
    margin,
    explanation: `With ${items} items, and differences that scatter as they did for v${seen.version} against ${against} (n ${n}), the smallest margin of ${metric} that can be proved between equally good models is ${shown(margin)}; one of ${shown(powered)} is proved in 80 % of such cases.`,
  }
}

const usualDiscordances = [0, 0.02, 0.05, 0.1, 0.2]

/** The same from a number of items alone: for right/wrong answers by how often models disagree, for graded ones by their spread. */
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
    const explanation = `With ${items} items, and differences with a standard deviation of ${deviation}, the smallest margin that can be proved between equally good models is ${shown(proved)}; one of ${shown(powered)} is proved in 80 % of such cases.`
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
  const explanation = `With ${items} items, and models that disagree on ${100 * (typical?.discordance ?? 0)} % of them, the smallest margin that can be proved between equally good models is ${shown(typical?.smallestMargin ?? null)}.`
  return { items, margins, explanation }
}
