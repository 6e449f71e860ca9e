import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { conflict } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import type { delivery } from './contract.ts'
import { append } from './events.ts'
import { requireRelease } from './releases.ts'
import type { ReleaseRecord } from './store.ts'
import * as store from './store.ts'

type Operations = typeof delivery
type Bisection = Output<Operations['bisect']>
type Comparison = Bisection['looked'][number]

/**
 * Halves the releases between a good one and a bad one, each compared with the good one on the same golden items: bad
 * means that it fails non-inferiority. A release that cannot be told is passed over for its neighbour.
 */
export async function bisect(ctx: Context, { model, good, bad }: Input<Operations['bisect']>): Promise<Bisection> {
  const [first, last] = [await requireRelease(ctx, good), await requireRelease(ctx, bad)]
  if (first.model !== model || last.model !== model || first.number >= last.number) {
    throw conflict(`"${good}" has to be an earlier release of "${model}" than "${bad}".`, { name: good })
  }
  const between = (await store.listReleases(ctx, model))
    .filter(({ number }) => number > first.number && number <= last.number)
    .reverse()
  const found = await halve(between, (release) => compareWith(ctx, first, release))
  await transaction(ctx, (ctx) =>
    append(ctx, 'delivery.bisected', `model/${model}`, { good, bad, first: found.first, looks: found.looked.length }),
  )
  return { model, ...found }
}

/** Smallest index that is bad, if the last is; `releases` go from after the good one to the bad one. */
export async function halve(
  releases: ReleaseRecord[],
  judge: (release: ReleaseRecord) => Promise<Comparison>,
): Promise<Omit<Bisection, 'model'>> {
  const looked: Comparison[] = []
  const at = async (index: number): Promise<Comparison['verdict']> => {
    const release = releases[index]
    if (!release) return 'cannot_tell'
    const known = looked.find((one) => one.release === release.id)
    if (known) return known.verdict
    const seen = await judge(release)
    looked.push(seen)
    return seen.verdict
  }
  const end = releases.length - 1
  const verdict = await at(end)
  if (verdict !== 'bad') {
    const said = verdict === 'good' ? 'is not worse' : 'cannot be told apart from the good one'
    return { first: null, explanation: `${releases[end]?.id} ${said} on the golden set.`, looked }
  }
  let [low, high] = [-1, end]
  while (high - low > 1) {
    const middle = await nearestDecided(Math.floor((low + high) / 2), { low, high }, at)
    if (middle === undefined) break
    if (middle.verdict === 'bad') high = middle.index
    else low = middle.index
  }
  const first = releases[high]?.id ?? null
  const undecided = high - low - 1
  const unsure = undecided === 0 ? '' : ` ${undecided} before it could not be judged.`
  return { first, explanation: `${first} is the first that is worse.${unsure}`, looked }
}

async function nearestDecided(
  middle: number,
  { low, high }: { low: number; high: number },
  at: (index: number) => Promise<Comparison['verdict']>,
): Promise<{ index: number; verdict: 'good' | 'bad' } | undefined> {
  const inside = Array.from({ length: high - low - 1 }, (_, offset) => low + 1 + offset)
  inside.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))
  for (const index of inside) {
    const verdict = await at(index)
    if (verdict !== 'cannot_tell') return { index, verdict }
  }
  return undefined
}

const verdicts = { pass: 'good', fail: 'bad', cannot_tell: 'cannot_tell', error: 'cannot_tell' } as const

async function compareWith(ctx: Context, good: ReleaseRecord, release: ReleaseRecord): Promise<Comparison> {
  const version = release.version
  const against = good.version === 0 ? 'baseline' : String(good.version)
  const { id, primary } = await evaluation.evaluate(ctx, { model: release.model, version, against })
  return { release: release.id, version, verdict: verdicts[primary.verdict], evaluation: id, reason: primary.reason }
}
