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

/** The newest window that had requests, and since when there were none in any window that is complete. */
export async function newestWindow(
  ctx: Context,
  { model }: { model: string },
): Promise<{ window: Window | null; unserved: { from: string; to: string } | null }> {
  const window = await latestWindow(ctx, { model })
  const open = await store.findOpenWindow(ctx, model)
  if (!window || !open || open.from_at <= window.to) return { window, unserved: null }
  return { window, unserved: { from: window.to, to: open.from_at } }
}

/** The first window after a time that a release answered most of: what it was like when it went live. */
export async function firstWindowOf(
  ctx: Context,
  { model, release, since }: { model: string; release: string; since: string },
): Promise<Window | null> {
  const limit = 50
  for (let after = since; ; ) {
    const rows = await store.windowsAfter(ctx, model, after, limit)
    const found = rows.map(windowOf).find((window) => window.release === release)
    const last = rows.at(-1)?.to_at
    if (found) return found.to <= ctx.now().toISOString() ? found : null
    if (last === undefined || rows.length < limit) return null
    after = last
  }
}

/** Drift shows that the inputs changed, not that the model became wrong: the labels of the same window show that. */
export async function drift(
  ctx: Context,
  { model, against = 'training' }: Input<Operations['drift']>,
): Promise<Output<Operations['drift']>> {
  await registry.getModel(ctx, { model })
  const { window, unserved } = await newestWindow(ctx, { model })
  if (!window) {
    const because = 'no window with requests is complete yet'
    return { model, window, reference: because, verdict: 'cannot_tell', because, meaning: 'Nothing can be said yet.' }
  }
  const period = against === 'training' ? undefined : await driftAgainstPeriod(ctx, window, against)
  const drift = (period ? period.drift : window.drift).filter(({ m }) => m !== 0)
  const sorted = [...drift].sort((a, b) => b.psi / b.critical - a.psi / a.critical)
  const reference = period ? period.reference : `the training set of ${window.release}`
  const shown = { ...window, drift: sorted, ...(period ? { notJudged: period.notJudged } : {}) }
  // The domain classifier and the holes were compared with the training set, so they do not belong to this period.
  if (period) {
    delete shown.domain
    delete shown.missing
  }
  return { model, window: shown, reference, ...verdictOf(shown, reference, unserved), meaning: meaningOf(window) }
}

function verdictOf(
  { drift, missing = [], notJudged = [], requests }: Window,
  reference: string,
  unserved: { from: string; to: string } | null,
): Pick<Output<Operations['drift']>, 'verdict' | 'because'> {
  if (unserved)
    return {
      verdict: 'cannot_tell',
      because: `nothing was served from ${unserved.from} to ${unserved.to}; what is shown is the last window that had requests`,
    }
  const moved = drift.filter(({ drifted }) => drifted).length
  const holes = missing.filter(({ changed }) => changed).length
  if (drift.length === 0 && holes === 0)
    return { verdict: 'cannot_tell', because: `no column could be judged against ${reference}` }
  const compared = `${drift.length} ${drift.length === 1 ? 'column' : 'columns'} judged over ${requests} requests, ${notJudged.length} not judged`
  if (moved === 0 && holes === 0) return { verdict: 'steady', because: compared }
  return { verdict: 'drifted', because: `${moved} moved, ${holes} with other shares of missing values; ${compared}` }
}

function meaningOf({ labelled, bias, metrics = [], knownUpTo }: Window): string {
  if (labelled === 0) return 'No labels are known for this window: whether the answers became wrong cannot be seen yet.'
  if (bias.n === 0) return `Labels known up to ${knownUpTo ?? 'now'}: ${metrics.flatMap(inWords).join('; ')}.`
  const lower = bias.lower ?? 0
  const upper = bias.upper ?? 0
  const unbiased = lower <= 0 && upper >= 0
  return unbiased
    ? `Labels known up to ${knownUpTo ?? 'now'} show no bias: what moved has not harmed so far.`
    : `Labels known up to ${knownUpTo ?? 'now'} show a bias of ${(bias.value ?? 0).toFixed(3)} [${lower.toFixed(3)}, ${upper.toFixed(3)}].`
}

function inWords({
  metric,
  estimate: { value, lower, upper },
  share,
}: NonNullable<Window['metrics']>[number]): string[] {
  if (value === null) return []
  const bounds = typeof lower === 'number' && typeof upper === 'number' ? ` [${plain(lower)}, ${plain(upper)}]` : ''
  return [`${metric} ${plain(value)}${bounds} of ${(100 * share).toFixed(0)} % of the answers`]
}

function plain(value: number): string {
  return value.toFixed(3)
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
