import type { Static } from 'typebox'
import type { Context } from '../../core/context.ts'
import type { Input } from '../../core/contract.ts'
import { invalidInput } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { dateOf } from '../../core/tables/tables.ts'
import * as datasets from '../datasets/datasets.ts'
import type { features, TrainingSet } from './contract.ts'
import type { ResolvedService } from './rules.ts'
import * as store from './store.ts'

type Operations = typeof features
export type PinnedSource = Static<typeof TrainingSet>['sources'][number]

/** Source -> the sequence number up to which it is read: all of them, that of the examples first. */
export type Bounds = ReadonlyMap<string, number>

/** Fixed before anything is read: rows that arrive meanwhile belong to the next set. */
export async function boundSources(
  ctx: Context,
  input: Input<Operations['createTrainingSet']>,
  resolved: ResolvedService,
): Promise<Bounds> {
  const names = [...new Set([input.source, ...resolved.views.map(({ view }) => view.source)])]
  const wanted: Record<string, number> = { ...(await boundsOfFirst(ctx, input)), ...input.sources }
  for (const name of Object.keys(input.sources ?? {})) {
    if (names.includes(name)) continue
    throw invalidInput(`The source "${name}" is not read by the service "${input.service}".`, {
      name,
      hint: didYouMean(name, names),
    })
  }
  const bounds = new Map<string, number>()
  for (const source of names) {
    const { lastSeq } = await datasets.describeSource(ctx, source)
    const bound = wanted[source] ?? lastSeq
    if (bound > lastSeq && input.sources?.[source] !== undefined)
      throw invalidInput(`The source "${source}" has rows up to ${lastSeq}, not up to ${bound}.`, { name: source })
    bounds.set(source, Math.min(bound, lastSeq))
  }
  return bounds
}

/** The same request with the same bound is the same bytes: the first set of it fixed where the other sources end. */
async function boundsOfFirst(
  ctx: Context,
  { service, source, from, to, label, asOf = 'known', uptoSeq }: Input<Operations['createTrainingSet']>,
): Promise<Record<string, number>> {
  if (uptoSeq === undefined) return {}
  const first = await store.firstPinned(ctx, {
    service,
    source,
    from_time: dateOf(from).toISOString(),
    to_time: dateOf(to).toISOString(),
    label: label ?? null,
    as_of: asOf,
    upto_seq: uptoSeq,
  })
  const pinned = first ? pinnedBy(first).map((one): [string, number] => [one.source, one.uptoSeq]) : []
  return { ...Object.fromEntries(pinned), [source]: uptoSeq }
}

export function pinnedBy({ sources, source, upto_seq }: store.TrainingSetRecord): PinnedSource[] {
  return sources ?? [{ source, uptoSeq: upto_seq, digest: null }]
}
