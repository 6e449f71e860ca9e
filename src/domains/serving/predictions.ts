import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { dateOf, isoOf } from '../../core/tables/tables.ts'
import { transaction } from '../../core/transaction.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import type { serving } from './contract.ts'
import { findLogged, type LoggedPrediction, mask, planLook, readLog } from './log/log.ts'
import { currentRouting, requireRouting } from './routing/routing.ts'
import { labelFor } from './rules.ts'
import * as store from './store.ts'

type Operations = typeof serving

export async function label(
  ctx: Context,
  { endpoint, labels }: Input<Operations['label']>,
): Promise<Output<Operations['label']>> {
  await requireAnswers(ctx, endpoint)
  const spec = await registry.currentSpec(ctx, endpoint)
  const known_at = ctx.now().toISOString()
  const latest = new Map(
    labels.map(({ id, value }) => {
      const label = labelFor(id, value, spec?.serves)
      return [id, { endpoint, prediction: id, label: typeof label === 'string' ? mask(label) : label, known_at }]
    }),
  )
  const replaced = await transaction(ctx, async (ctx) => {
    const known = await store.countLabels(ctx, endpoint, [...latest.keys()])
    await store.saveLabels(ctx, [...latest.values()])
    await planLook(ctx, endpoint)
    return known
  })
  return { accepted: labels.length, replaced }
}

/** An endpoint of this server, or a model whose predictions are made elsewhere and recorded here. */
export async function requireAnswers(ctx: Context, endpoint: string): Promise<void> {
  if (currentRouting(ctx, endpoint) || (await store.hasRecorded(ctx, endpoint))) return
  requireRouting(ctx, endpoint)
}

const defaultLimit = 100

export async function listPredictions(
  ctx: Context,
  input: Input<Operations['listPredictions']>,
): Promise<Output<Operations['listPredictions']>> {
  const { endpoint, from = '', to, release, mark, limit = defaultLimit } = input
  await requireAnswers(ctx, endpoint)
  const bounds = { from: from && dateOf(from).toISOString(), to: to && dateOf(to).toISOString() }
  const rows = await readLog(ctx, { endpoint, ...bounds, release, mark, limit, forced: true })
  return { items: rows.reverse().map(toPrediction) }
}

export async function getPrediction(
  ctx: Context,
  { prediction }: Input<Operations['getPrediction']>,
): Promise<Output<Operations['getPrediction']>> {
  return toPrediction(await requireLogged(ctx, prediction))
}

const replayTolerance = 1e-9

/** The logged moment again: features as they were known then, on the same or another version. */
export async function replay(ctx: Context, input: Input<Operations['replay']>): Promise<Output<Operations['replay']>> {
  const logged = await requireLogged(ctx, input.prediction)
  const version = input.version ?? logged.version
  const registered = version === 0 ? undefined : await registry.getVersion(ctx, { model: logged.endpoint, version })
  const { spec } = await registry.getModel(ctx, { model: logged.endpoint })
  const fields = await registry.rowRules(ctx, registered, spec?.serves)
  const service = registered?.service ?? null
  const rows = [{ time: logged.at, request: logged.inputs }]
  const recomputed =
    service === null ? logged.inputs : ((await features.lookupAsOf(ctx, { service, rows, asOf: 'known' }))[0] ?? {})
  const read = {
    ...recomputed,
    ...registry.readFields(fields.request, recomputed),
    ...registry.readFields(fields.views, recomputed, true),
  }
  const runtime = await registry.openRuntime(ctx, { model: logged.endpoint, version })
  try {
    const [output] = await runtime.predict([read])
    const differing = Object.keys(recomputed).filter(
      (name) => name in logged.inputs && differs(recomputed[name], logged.inputs[name]),
    )
    return { logged: toPrediction(logged), version, recomputed, differing, output: output ?? Number.NaN }
  } finally {
    await runtime.close()
  }
}

function differs(a: unknown, b: unknown): boolean {
  return typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) > replayTolerance : a !== b
}

async function requireLogged(ctx: Context, id: string): Promise<LoggedPrediction> {
  const logged = await findLogged(ctx, id)
  if (!logged)
    throw notFound('Prediction', id, 'List them with "keel api serving.listPredictions endpoint=<endpoint>".')
  return logged
}

function toPrediction(logged: LoggedPrediction): Output<Operations['getPrediction']> {
  const knownAt = Object.entries(logged.knownAt ?? {}).map(([name, at]) => [name, isoOf(at)])
  return { ...logged, knownAt: Object.fromEntries(knownAt) }
}
