import type { Context } from '../../../core/context.ts'
import * as serving from '../../serving/serving.ts'
import { alertWhile } from './operations.ts'

type Problem = { problem: string | null }

const expected = { severity: 'digest', expected: 'what a source holds can be read' } as const

/** What a source fetches by itself does not come any more: one alert as long as that lasts. */
export async function alertFetch(ctx: Context, { source, problem }: { source: string } & Problem): Promise<void> {
  const said = problem === null ? null : `"${source}" could not be fetched: ${problem}.`
  await alertWhile(ctx, { model: `source.${source}`, subject: 'fetch', ...expected }, said)
}

/** Labels or predictions do not come from their source any more. */
export async function alertImport(
  ctx: Context,
  { model, what, problem }: { model: string; what: string } & Problem,
): Promise<void> {
  const said = problem === null ? null : `No ${what} come by themselves: ${problem}.`
  const release = serving.currentRouting(ctx, model)?.live.release ?? 'external'
  await alertWhile(ctx, { model, subject: `import of ${what}`, release, ...expected }, said)
}
