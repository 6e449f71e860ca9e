import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { hour } from '../../../core/duration.ts'
import { dateOf } from '../../../core/tables/tables.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import type { monitoring } from '../contract.ts'
import { settingsOf } from '../settings.ts'
import * as store from '../store.ts'
import { baselineProfile, residualColumn } from './baseline.ts'
import { driftAgainstPeriod } from './period-drift.ts'
import { summaryOf } from './sketches.ts'
import { type Window, windowOf } from './window.ts'

type Operations = typeof monitoring

const defaultSketches = 100

export async function series(
  ctx: Context,
  { model, from, to, limit = 1000 }: Input<Operations['series']>,
): Promise<Output<Operations['series']>> {
  await registry.getModel(ctx, { model })
  const bounds = [from === undefined ? '' : dateOf(from).toISOString(), to && dateOf(to).toISOString()] as const
  const rows = await store.listWindows(ctx, model, ...bounds, limit)
  return { items: rows.map(windowOf) }
}

export async function latestWindow(ctx: Context, { model }: { model: string }): Promise<Window | null> {
  const row = await store.latestWindow(ctx, model)
  return row ? windowOf(row) : null
}

/** Drift shows that the inputs changed, not that the model became wrong: the labels of the same window show that. */
export async function drift(
  ctx: Context,
  { model, against = 'training' }: Input<Operations['drift']>,
): Promise<Output<Operations['drift']>> {
  await registry.getModel(ctx, { model })
  const window = await latestWindow(ctx, { model })
  if (!window) return { model, window, reference: 'no window is complete yet', meaning: 'Nothing can be said yet.' }
  const periodDrift = against === 'training' ? undefined : await driftAgainstPeriod(ctx, window, against)
  const drift = periodDrift ? periodDrift.drift : window.drift
  const sorted = [...drift].sort((a, b) => b.psi / b.critical - a.psi / a.critical)
  const reference = periodDrift ? periodDrift.reference : `the training set of ${window.release}`
  const shown = { ...window, drift: sorted }
  // The domain classifier compared with the training set, so its result does not belong to this period.
  if (periodDrift) delete shown.domain
  return { model, window: shown, reference, meaning: meaningOf(window) }
}

function meaningOf({ labelled, bias, knownUpTo }: Window): string {
  if (labelled === 0) return 'No labels are known for this window: whether the answers became wrong cannot be seen yet.'
  const lower = bias.lower ?? 0
  const upper = bias.upper ?? 0
  const unbiased = lower <= 0 && upper >= 0
  return unbiased
    ? `Labels known up to ${knownUpTo ?? 'now'} show no bias: what moved has not harmed so far.`
    : `Labels known up to ${knownUpTo ?? 'now'} show a bias of ${(bias.value ?? 0).toFixed(3)} [${lower.toFixed(3)}, ${upper.toFixed(3)}].`
}

export async function sketches(
  ctx: Context,
  { model, release, column, from, to, limit = defaultSketches }: Input<Operations['sketches']>,
): Promise<Output<Operations['sketches']>> {
  const live = release ?? serving.currentRouting(ctx, model)?.live.release
  if (live === undefined) return { items: [] }
  const rows = await store.listSketches(ctx, {
    scope: `release/${live}`,
    from: from === undefined ? '' : new Date(dateOf(from).getTime() - hour + 1).toISOString(),
    to: to && dateOf(to).toISOString(),
    column,
    limit,
  })
  return {
    items: rows.map((row) => ({
      scope: row.scope,
      column: row.column_name,
      hour: row.hour,
      rows: row.value_count,
      ...summaryOf(row),
    })),
  }
}

export async function explainThresholds(
  ctx: Context,
  { model }: Input<Operations['explainThresholds']>,
): Promise<Output<Operations['explainThresholds']>> {
  const spec = await registry.requireSpec(ctx, model)
  const settings = settingsOf(spec)
  const version = serving.currentRouting(ctx, model)?.live.version ?? 0
  const baseline = await baselineProfile(ctx, model, version, settings)
  const bias = baseline?.bias
  const columns = (baseline?.columns ?? []).filter(({ column }) => column !== residualColumn)
  return {
    thresholds: [
      {
        signal: 'bias',
        threshold: bias?.threshold ?? settings.bias,
        from: bias?.window ? `largest bias in the training windows of v${version}` : 'the spec, or its default',
        detail: { window: bias?.window ?? null, floor: settings.bias },
      },
      {
        signal: 'errors',
        threshold: settings.badRate,
        from: 'delivery.rollout.bad_rate of the spec, or its default',
        detail: {},
      },
      ...columns.map(({ column, threshold }) => ({
        signal: 'drift' as const,
        threshold: Math.max(threshold, settings.effect),
        from: 'the larger of the size of effect and the furthest that training windows strayed',
        detail: { column, training: threshold, effect: settings.effect },
      })),
    ],
  }
}
