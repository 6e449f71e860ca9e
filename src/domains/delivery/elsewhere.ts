import { spawn } from 'node:child_process'
import { readEnvironment } from '../../core/config.ts'
import type { Context } from '../../core/context.ts'
import { milliseconds } from '../../core/duration.ts'
import { send } from '../../core/egress/egress.ts'
import { AppError } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from '../../core/work/work.ts'
import * as registry from '../registry/registry.ts'
import type { Act, ModelSpec } from '../registry/spec/spec.ts'
import type { Guard } from './rules.ts'
import type { ReleasesTable } from './schema.ts'

type Elsewhere = NonNullable<ModelSpec['delivery']['elsewhere']>
type Asked = { action: 'deploy' | 'rollback' | 'verify'; share: number }
type Done = { ok: boolean; cannotTell: boolean; said: string; seconds: number }

const defaultTimeout = '5m'
const keptCharacters = 2_000

/** Has the model's own deploy or rollback done, then verified; throws when either fails, and then nothing has changed here. */
export async function actElsewhere(ctx: Context, release: ReleasesTable, asked: Asked): Promise<void> {
  const elsewhere = await requireElsewhere(ctx, release.model)
  const done = await perform(ctx, elsewhere, release, asked)
  if (!done.ok) await fail(ctx, release, asked, `its ${asked.action} failed: ${done.said}`)
  if (asked.action === 'deploy') return
  const check = await verifyElsewhere(ctx, release, asked.share)
  if (check && !check.ok) await fail(ctx, release, asked, `the check after its ${asked.action} failed: ${check.said}`)
}

/** A rollback that did not work is something that somebody has to hear of: it is an event, not only an error. */
async function fail(ctx: Context, release: ReleasesTable, { action }: Asked, why: string): Promise<never> {
  const data = { release: release.id, action, reason: why }
  await transaction(ctx, (ctx) => append(ctx, 'delivery.act_failed', `model/${release.model}`, data))
  throw failed(release, why)
}

function failed(release: ReleasesTable, why: string): AppError {
  return new AppError('upstream_failed', `"${release.id}" is served elsewhere, and ${why}`, {
    name: release.id,
    hint: 'Nothing was changed here; mend the command in the spec and try again.',
  })
}

/** Nothing when the spec has no `verify`. */
export async function verifyElsewhere(ctx: Context, release: ReleasesTable, share: number): Promise<Done | undefined> {
  const elsewhere = await requireElsewhere(ctx, release.model)
  return elsewhere.verify && perform(ctx, elsewhere, release, { action: 'verify', share })
}

/** The evidence of a step is the model's own check: exit 0 says well, 4 says nothing yet, anything else says harm. */
export async function judgeElsewhere(ctx: Context, release: ReleasesTable, share: number): Promise<Guard> {
  const done = await verifyElsewhere(ctx, release, share)
  const base = { guard: 'verify', required: true, value: null, limit: null }
  if (!done) return { ...base, verdict: 'waiting', n: 0, reason: 'The spec has no "verify": a person has to look.' }
  const n = done.cannotTell ? 0 : 1
  if (done.cannotTell) return { ...base, verdict: 'waiting', n, reason: `The check cannot tell yet: ${done.said}` }
  return {
    ...base,
    verdict: done.ok ? 'ok' : 'harm',
    n,
    reason: done.ok ? 'The check passed.' : `The check failed: ${done.said}`,
  }
}

async function requireElsewhere(ctx: Context, model: string): Promise<Elsewhere> {
  const elsewhere = (await registry.getModel(ctx, { model })).spec?.delivery.elsewhere
  if (!elsewhere) throw new AppError('conflict', `"${model}" is not served elsewhere.`, { name: model })
  return elsewhere
}

async function perform(ctx: Context, elsewhere: Elsewhere, release: ReleasesTable, asked: Asked): Promise<Done> {
  const act = elsewhere[asked.action]
  if (!act) return { ok: true, cannotTell: false, said: '', seconds: 0 }
  const started = ctx.clock.elapsed()
  const values = await valuesOf(ctx, release, asked)
  const outcome =
    'command' in act
      ? await runCommand(ctx, act, { ...allowed(elsewhere), ...values })
      : await callWebhook(ctx, act, values)
  return { ...outcome, seconds: (ctx.clock.elapsed() - started) / 1000 }
}

async function valuesOf(
  ctx: Context,
  release: ReleasesTable,
  { action, share }: Asked,
): Promise<Record<string, string>> {
  const version = Number(release.version)
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

/** Nothing of the server's environment reaches a command but the path and what the spec lists. */
function allowed({ environment = [] }: Elsewhere): Record<string, string> {
  const all = readEnvironment()
  return Object.fromEntries(
    ['PATH', ...environment].flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])),
  )
}

function timeoutOf({ timeout = defaultTimeout }: Act): number {
  return milliseconds(timeout)
}

const cannotTellCode = 4

/** Without a shell, in a process group of its own that ends with the timeout. */
async function runCommand(
  ctx: Context,
  act: Extract<Act, { command: string[] }>,
  env: Record<string, string>,
): Promise<Omit<Done, 'seconds'>> {
  const [program = '', ...args] = act.command
  const child = spawn(program, args, { cwd: ctx.root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString('utf8')}`.slice(-keptCharacters)
    })
  }
  let late = false
  const timer = setTimeout(() => {
    late = true
    endGroup(child.pid)
  }, timeoutOf(act))
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const ended = late ? `it took longer than ${act.timeout ?? defaultTimeout}` : `exit code ${code ?? 'none'}`
    return { ok: code === 0, cannotTell: !late && code === cannotTellCode, said: [said.trim(), ended].join(' – ') }
  } catch (error) {
    return { ok: false, cannotTell: false, said: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
    endGroup(child.pid)
  }
}

const accepted = 202

/** The same values as a command gets, as JSON; 2xx is well, and 202 to a check means "not yet". */
async function callWebhook(
  ctx: Context,
  act: Extract<Act, { webhook: string }>,
  values: Record<string, string>,
): Promise<Omit<Done, 'seconds'>> {
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
    return { ok: status >= 200 && status < 300 && !cannotTell, cannotTell, said: `it answered ${status}` }
  } catch (error) {
    if (error instanceof AppError) return { ok: false, cannotTell: false, said: error.message }
    throw error
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
