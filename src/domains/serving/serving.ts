import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import { spentToday } from './budget/budget.ts'
import type { serving } from './contract.ts'
import { counters, droppedShadows } from './gateway/gateway.ts'
import { droppedRecords, findLogged, type LoggedPrediction, planLook, readLog } from './log/log.ts'
import { loadedVersion, type Routing, requireRouting, state } from './routing/routing.ts'
import { checkLabel } from './rules.ts'
import * as store from './store.ts'

export { giveAllBack } from './budget/allowance.ts'
export { type Conversation, converse } from './chat/converse.ts'
export { predictBatch, stopBatches } from './gateway/batch.ts'
export { type Counters, counters, firstTokenBounds } from './gateway/counters.ts'
export { predict } from './gateway/predict.ts'
export { predictRows, type Signature, signatureOf } from './gateway/rows.ts'
export { droppedShadows } from './gateway/shadow.ts'
export { shadow } from './gateway/shadow-report.ts'
export { logHealth } from './log/health.ts'
export { labelledHours } from './log/late-labels.ts'
export { droppedRecords, flushLog, logState, startLog, stopLog } from './log/prediction-log.ts'
export { countLogged, readLog } from './log/reading.ts'
export type { LoggedPrediction } from './log/record.ts'
export { mergeSegments } from './log/segments.ts'
export {
  currentRouting,
  getRouting,
  prepareRouting,
  type Routing,
  refreshPrices,
  refreshSpecs,
  setRouting,
  startRouting,
  stopRouting,
} from './routing/routing-table.ts'

type Operations = typeof serving
type Endpoint = Output<Operations['getEndpoint']>

export function listEndpoints(ctx: Context): Output<Operations['listEndpoints']> {
  return { items: [...state(ctx).routes.keys()].sort().map((endpoint) => getEndpoint(ctx, { endpoint })) }
}

export function getEndpoint(ctx: Context, { endpoint }: Input<Operations['getEndpoint']>): Endpoint {
  const routing = requireRouting(ctx, endpoint)
  const own = [...counters(ctx)].filter(([release]) => release.startsWith(`${endpoint}.`)).map(([, entry]) => entry)
  return {
    name: endpoint,
    routing,
    ready: loadedVersion(ctx, endpoint, routing.live.version)?.runtime.state().ready ?? false,
    requests: own.reduce((sum, { requests }) => sum + requests, 0),
    dropped: droppedRecords(ctx),
    stoodIn: own.reduce((sum, { stoodIn }) => sum + stoodIn, 0),
    shadowsDropped: droppedShadows(ctx),
    spentToday: spentToday(ctx, endpoint),
    versions: versionsOf(ctx, routing),
  }
}

function versionsOf(ctx: Context, { endpoint, live, canary, shadow, warm }: Routing): Endpoint['versions'] {
  const targets = [live, canary, shadow, ...warm].filter((target) => target !== null)
  return targets.flatMap(({ release, version }) => {
    const loaded = loadedVersion(ctx, endpoint, version)
    return loaded ? [{ release, version, ...loaded.runtime.state(), ...loaded.lane.state() }] : []
  })
}

export async function label(
  ctx: Context,
  { endpoint, labels }: Input<Operations['label']>,
): Promise<Output<Operations['label']>> {
  requireRouting(ctx, endpoint)
  const spec = await registry.currentSpec(ctx, endpoint)
  for (const { id, value } of labels) checkLabel(id, value, spec?.serves.output)
  const known_at = ctx.now().toISOString()
  const latest = new Map(labels.map(({ id, value }) => [id, { endpoint, prediction: id, value, known_at }]))
  const replaced = await transaction(ctx, async (ctx) => {
    const known = await store.countLabels(ctx, endpoint, [...latest.keys()])
    await store.saveLabels(ctx, [...latest.values()])
    await planLook(ctx, endpoint)
    return known
  })
  return { accepted: labels.length, replaced }
}

const defaultLimit = 100

export async function listPredictions(
  ctx: Context,
  input: Input<Operations['listPredictions']>,
): Promise<Output<Operations['listPredictions']>> {
  const { endpoint, from = '', to = '9999', release, limit = defaultLimit } = input
  requireRouting(ctx, endpoint)
  const bounds = { from: from && new Date(from).toISOString(), to: to === '9999' ? to : new Date(to).toISOString() }
  const rows = await readLog(ctx, { endpoint, ...bounds, release, limit, forced: true })
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
  const service = version === 0 ? null : (await registry.getVersion(ctx, { model: logged.endpoint, version })).service
  const rows = [{ time: logged.at, request: logged.inputs }]
  const recomputed =
    service === null ? logged.inputs : ((await features.lookupAsOf(ctx, { service, rows, asOf: 'known' }))[0] ?? {})
  const runtime = await registry.openRuntime(ctx, { model: logged.endpoint, version })
  try {
    const [output] = await runtime.predict([recomputed])
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
  const knownAt = Object.entries(logged.knownAt ?? {}).map(([name, at]) => [name, new Date(at).toISOString()])
  return { ...logged, knownAt: Object.fromEntries(knownAt) }
}
