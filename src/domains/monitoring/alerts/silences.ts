import { nextTick } from '../../../core/background/background.ts'
import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { invalidInput, notFound } from '../../../core/errors.ts'
import { nextOf } from '../../../core/paging.ts'
import { wilsonInterval } from '../../../core/stats/intervals.ts'
import { dateOf } from '../../../core/tables/tables.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import type { monitoring } from '../contract.ts'
import { append } from '../events.ts'
import { isDemoted } from '../rules.ts'
import type { SilencesTable } from '../schema.ts'
import { settingsOf } from '../settings.ts'
import * as store from '../store.ts'
import { pagesOfWeek, verdictsOf } from './alerting.ts'

type Operations = typeof monitoring
type Rule = Output<Operations['listRules']>['rules'][number]

export async function listRules(
  ctx: Context,
  { model }: Input<Operations['listRules']>,
): Promise<Output<Operations['listRules']>> {
  const { rules, alertsPerWeek } = settingsOf(await registry.requireSpec(ctx, model))
  const items: Rule[] = []
  for (const rule of rules) {
    const counts = await verdictsOf(ctx, model, rule.signal)
    const n = counts.real + counts.noise
    const noisy = isDemoted(rule, counts)
    const { lower, upper } = n === 0 ? { lower: null, upper: null } : wilsonInterval(counts.real, n)
    items.push({
      signal: rule.signal,
      severity: noisy ? 'digest' : rule.severity,
      declared: rule.severity,
      of: rule.of,
      windows: rule.windows,
      precision: { value: n === 0 ? null : counts.real / n, n, lower, upper },
      because: noisy ? `${counts.noise} of its last ${n} alerts were noise` : 'as declared, or by default',
    })
  }
  return { rules: items, budget: { perWeek: alertsPerWeek, pages: await pagesOfWeek(ctx, model) } }
}

/** Later than every moment: the end of a silence that repeats until somebody ends it. */
const noEnd = '9999-12-31T00:00:00.000Z'

export async function silence(
  ctx: Context,
  input: Input<Operations['silence']>,
): Promise<Output<Operations['silence']>> {
  const { kind = 'silence', model = '*', signal = '*', reason } = input
  if (model !== '*') await registry.getModel(ctx, { model })
  const from = (input.from === undefined ? ctx.now() : dateOf(input.from)).toISOString()
  const { repeats } = input
  if (input.to === undefined && !repeats)
    throw invalidInput('A silence needs an end, or "repeats" with how long it lasts each time.', { name: 'to' })
  const to = input.to === undefined ? noEnd : dateOf(input.to).toISOString()
  if (to <= from) throw invalidInput(`A silence cannot end at ${to}: it begins at ${from}.`, { name: 'to' })
  const zone = repeats?.zone ?? 'UTC'
  if (repeats) nextTick(repeats.cron, zone, ctx.now())
  const row: SilencesTable = {
    id: ctx.id('silence'),
    kind,
    model,
    signal,
    from_at: from,
    to_at: to,
    reason,
    by_actor: ctx.actor.name,
    cron: repeats?.cron ?? null,
    zone: repeats ? zone : null,
    lasts: repeats?.lasts ?? null,
  }
  await transaction(ctx, async (ctx) => {
    await store.insertSilence(ctx, row)
    await append(ctx, 'monitoring.silenced', model === '*' ? 'model' : `model/${model}`, {
      silence: row.id,
      signal,
      from,
      to: to === noEnd ? null : to,
      ...(repeats ? { repeats: { ...repeats, zone } } : {}),
      reason,
    })
  })
  return toSilence(row)
}

export async function listSilences(
  ctx: Context,
  { limit = 100, cursor }: Input<Operations['listSilences']>,
): Promise<Output<Operations['listSilences']>> {
  const rows = await store.listSilences(ctx, cursor, limit)
  return { items: rows.map(toSilence), ...nextOf(rows, limit, ({ id }) => id) }
}

export async function endSilence(
  ctx: Context,
  { silence: id }: Input<Operations['endSilence']>,
): Promise<Record<string, never>> {
  await transaction(ctx, async (ctx) => {
    const ended = await store.updateSilence(ctx, id, { to_at: ctx.now().toISOString() })
    if (ended === 0n) throw notFound('Silence', id, 'List them with "keel alerts silences".')
    await append(ctx, 'monitoring.silence_ended', 'model', { silence: id })
  })
  return {}
}

function toSilence(row: SilencesTable): Output<Operations['silence']> {
  return {
    id: row.id,
    kind: row.kind as 'silence',
    model: row.model,
    signal: row.signal,
    from: row.from_at,
    to: row.to_at === noEnd ? null : row.to_at,
    repeats:
      row.cron === null || row.lasts === null ? null : { cron: row.cron, zone: row.zone ?? 'UTC', lasts: row.lasts },
    reason: row.reason,
    by: row.by_actor,
  }
}
