import type { Context } from '../../../core/context.ts'
import * as serving from '../../serving/serving.ts'
import * as store from '../store.ts'
import { raiseImmediately, resolveAlert } from './alerting.ts'

type Problem = { problem: string | null }

/** What a source fetches by itself does not come any more: one alert as long as that lasts. */
export async function alertFetch(ctx: Context, { source, problem }: { source: string } & Problem): Promise<void> {
  const said = problem === null ? null : `"${source}" could not be fetched: ${problem}.`
  await alertWhile(ctx, { model: `source.${source}`, subject: 'fetch', release: '' }, said)
}

/** Labels or predictions do not come from their source any more. */
export async function alertImport(
  ctx: Context,
  { model, what, problem }: { model: string; what: string } & Problem,
): Promise<void> {
  const said = problem === null ? null : `No ${what} come by themselves: ${problem}.`
  const release = serving.currentRouting(ctx, model)?.live.release ?? 'external'
  await alertWhile(ctx, { model, subject: `import of ${what}`, release }, said)
}

type Scope = { model: string; subject: string; release: string }

async function alertWhile(ctx: Context, { model, subject, release }: Scope, said: string | null): Promise<void> {
  const open = await store.firingAlert(ctx, model, 'data', subject)
  if (said === null) {
    if (open) await resolveAlert(ctx, open)
    return
  }
  if (open) {
    await store.updateAlert(ctx, open.id, { summary: said })
    return
  }
  const at = ctx.now().toISOString()
  await raiseImmediately(
    ctx,
    {
      signal: 'data',
      subject,
      severity: 'digest',
      summary: said,
      value: { value: null, n: 0 },
      threshold: 0,
      thresholdFrom: 'what a source holds can be read',
    },
    { model, release, from: at, to: at },
  )
}
