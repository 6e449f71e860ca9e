import type { Context } from '../../../core/context.ts'
import { week } from '../../../core/duration.ts'
import { millisecondsOf } from '../../../core/time.ts'
import * as registry from '../../registry/registry.ts'
import { settingsOf } from '../settings.ts'
import * as store from '../store.ts'
import { baselineProfile } from './baseline.ts'
import { judgedOnly } from './judged.ts'
import { mergedHours } from './sketches.ts'
import { driftOf, measures, type Window } from './summary.ts'
import { binsOf } from './window.ts'

export type EarlierPeriod = 'last-week' | 'last-year'

/** Whole weeks, so that Mondays are compared with Mondays. */
const periodShift: Record<EarlierPeriod, number> = { 'last-week': week, 'last-year': 52 * week }

/** Compares a window with an earlier period of the same release: with seasons, training is not always the right reference. */
export async function driftAgainstPeriod(
  ctx: Context,
  window: Window,
  period: EarlierPeriod,
): Promise<{ drift: Window['drift']; notJudged: NonNullable<Window['notJudged']>; reference: string }> {
  const { model, release } = window
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const version = await versionOf(ctx, release)
  const baseline = await baselineProfile(ctx, model, version, settings)
  const shifted = (time: string) => new Date(millisecondsOf(time) - periodShift[period]).toISOString()
  const span = `${shifted(window.from).slice(0, 10)} to ${shifted(window.to).slice(0, 10)}`
  if (!baseline) return { drift: [], notJudged: [], reference: `${span}: nothing was counted for ${release}` }
  const read = (from: string, to: string) =>
    mergedHours(ctx, { scope: `release/${release}`, reference: baseline.id, from, to, references: binsOf(baseline) })
  const [now, before] = [await read(window.from, window.to), await read(shifted(window.from), shifted(window.to))]
  // Without rows in the earlier period no column would count as drifted, which would look like stability.
  const served = [...before.values()].some(({ counts }) => counts.some((count) => count > 0))
  if (!served)
    return {
      drift: [],
      notJudged: [],
      reference: `${span}: ${release} served nothing then, so nothing can be compared`,
    }
  const { drift, notJudged } = judgedOnly(baseline, driftOf(baseline, now, settings, before), settings)
  return {
    drift: drift.map(({ column, psi, critical, drifted, tests }) => ({
      column,
      psi,
      critical,
      drifted,
      ...measures(tests),
    })),
    notJudged,
    reference: `${span}, served by ${release}`,
  }
}

/** Sketches are stored by release; the version is part of the name of their bins. */
async function versionOf(ctx: Context, release: string): Promise<number> {
  const [counted] = await store.listSketches(ctx, { scope: `release/${release}`, from: '', limit: 1 })
  return Number(counted?.reference.split('@').at(-1) ?? 0)
}
