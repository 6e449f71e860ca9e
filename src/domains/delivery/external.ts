import type { Context } from '../../core/context.ts'
import { milliseconds } from '../../core/duration.ts'
import { send } from '../../core/egress/egress.ts'
import { AppError, conflict } from '../../core/errors.ts'
import { environmentOf, runCommand, tail } from '../../core/process/process.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import type { Act, ModelSpec } from '../registry/spec/spec.ts'
import { append } from './events.ts'
import type { Guard } from './rules.ts'
import type { ReleaseRecord } from './store.ts'

type External = NonNullable<ModelSpec['delivery']['external']>
type Action = { action: 'deploy' | 'rollback' | 'verify'; share: number }
type Outcome = { ok: boolean; cannotTell: boolean; output: string }

const defaultTimeout = '5m'
const keptCharacters = 2_000

/** Runs the model's own deploy or rollback; a rollback is then verified. Throws when either fails: nothing has changed here. */
export async function runExternal(ctx: Context, release: ReleaseRecord, action: Action): Promise<void> {
  const external = await requireExternal(ctx, release.model)
  const outcome = await perform(ctx, external, release, action)
  if (!outcome.ok) await fail(ctx, release, action, `its ${action.action} failed: ${outcome.output}`)
  if (action.action === 'deploy') return
  const check = await verifyExternal(ctx, release, action.share)
  if (check && !check.ok)
    await fail(ctx, release, action, `the check after its ${action.action} failed: ${check.output}`)
}

/** Somebody has to hear of a rollback that did not work: it is an event, not only an error. */
async function fail(ctx: Context, release: ReleaseRecord, { action }: Action, why: string): Promise<never> {
  const data = { release: release.id, action, reason: why }
  await transaction(ctx, (ctx) => append(ctx, 'delivery.act_failed', `model/${release.model}`, data))
  throw failed(release, why)
}

function failed(release: ReleaseRecord, why: string): AppError {
  return new AppError('upstream_failed', `"${release.id}" is deployed externally, and ${why}`, {
    name: release.id,
    hint: 'Nothing was changed here. Correct the command under "delivery.external" in the spec and try again.',
  })
}

/** Nothing when the spec has no `verify`. */
export async function verifyExternal(
  ctx: Context,
  release: ReleaseRecord,
  share: number,
): Promise<Outcome | undefined> {
  const external = await requireExternal(ctx, release.model)
  return external.verify && perform(ctx, external, release, { action: 'verify', share })
}

/** The evidence of a step is the model's own check: exit code 0 is a pass, 4 cannot tell yet, any other is harm. */
export async function judgeExternal(ctx: Context, release: ReleaseRecord, share: number): Promise<Guard> {
  const outcome = await verifyExternal(ctx, release, share)
  const base = { guard: 'verify', required: true, value: null, limit: null }
  if (!outcome) return { ...base, verdict: 'waiting', n: 0, reason: 'The spec has no "verify": a person has to look.' }
  const n = outcome.cannotTell ? 0 : 1
  if (outcome.cannotTell)
    return { ...base, verdict: 'waiting', n, reason: `The check cannot tell yet: ${outcome.output}` }
  return {
    ...base,
    verdict: outcome.ok ? 'ok' : 'harm',
    n,
    reason: outcome.ok ? 'The check passed.' : `The check failed: ${outcome.output}`,
  }
}

async function requireExternal(ctx: Context, model: string): Promise<External> {
  const external = (await registry.getModel(ctx, { model })).spec?.delivery.external
  if (external) return external
  const hint = `Add "delivery.external" to models/${model}.yaml, or release it through the gateway.`
  throw conflict(`The spec of "${model}" has no "delivery.external".`, { name: model, hint })
}

async function perform(ctx: Context, external: External, release: ReleaseRecord, action: Action): Promise<Outcome> {
  const act = external[action.action]
  if (!act) return { ok: true, cannotTell: false, output: '' }
  const values = await valuesOf(ctx, release, action)
  return 'command' in act
    ? runAct(ctx, act, { ...environmentOf(external.environment), ...values })
    : callWebhook(ctx, act, values)
}

async function valuesOf(
  ctx: Context,
  release: ReleaseRecord,
  { action, share }: Action,
): Promise<Record<string, string>> {
  const version = release.version
  const known = version === 0 ? undefined : await registry.getVersion(ctx, { model: release.model, version })
  return {
    KEEL_ACTION: action,
    KEEL_MODEL: release.model,
    KEEL_RELEASE: release.id,
    KEEL_VERSION: String(version),
    KEEL_SHARE: String(share),
    KEEL_ARTIFACT: known?.artifact ?? '',
  }
}

function timeoutOf({ timeout = defaultTimeout }: Act): number {
  return milliseconds(timeout)
}

const cannotTellCode = 4

async function runAct(
  ctx: Context,
  act: Extract<Act, { command: string[] }>,
  environment: Record<string, string>,
): Promise<Outcome> {
  const { code, stopped, output } = await runCommand({
    name: environment['KEEL_ACTION'] ?? '',
    command: act.command,
    cwd: ctx.root,
    environment,
    timeout: timeoutOf(act),
    output: tail(keptCharacters),
  })
  const late = stopped === 'timeout'
  const ended = late ? `it took longer than ${act.timeout ?? defaultTimeout}` : `exit code ${code ?? 'none'}`
  return { ok: code === 0 && !late, cannotTell: !late && code === cannotTellCode, output: [output, ended].join(' – ') }
}

const accepted = 202

/** The same values as a command gets, as JSON; 2xx is well, and 202 to a check means "not yet". */
async function callWebhook(
  ctx: Context,
  act: Extract<Act, { webhook: string }>,
  values: Record<string, string>,
): Promise<Outcome> {
  const body = Object.fromEntries(Object.entries(values).map(([name, value]) => [name.slice(5).toLowerCase(), value]))
  try {
    const { status } = await send(ctx, {
      url: act.webhook,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      timeoutMilliseconds: timeoutOf(act),
    })
    const cannotTell = status === accepted && values['KEEL_ACTION'] === 'verify'
    return { ok: status >= 200 && status < 300 && !cannotTell, cannotTell, output: `it answered ${status}` }
  } catch (error) {
    if (error instanceof AppError) return { ok: false, cannotTell: false, output: error.message }
    throw error
  }
}
