import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import type { Reactions } from './core/background/background.ts'
import type { Context } from './core/context.ts'
import type { JobHandlers } from './core/job-contract.ts'
import { append } from './domains/delivery/events.ts'
import { enqueue } from './domains/delivery/jobs.ts'
import { events } from './events.ts'
import { jobs } from './jobs.ts'
import { onJob } from './reactions.ts'

/** Never called: each line is one that must not compile, and "npm run check" fails when it does. */
export async function refusedByTheCompiler(ctx: Context): Promise<void> {
  const rolledBack = { from: 'm.r2', to: 'm.r1', version: 1, reason: 'trial' }
  // @ts-expect-error an event that does not exist
  await append(ctx, 'delivery.rolled_bak', 'model/m', rolledBack)
  // @ts-expect-error an event of another domain
  await append(ctx, 'registry.model_deleted', 'model/m', {})
  // @ts-expect-error a field that is missing
  await append(ctx, 'delivery.rolled_back', 'model/m', { from: 'm.r2', to: 'm.r1', version: 1 })
  // @ts-expect-error no data at all
  await append(ctx, 'delivery.rolled_back', 'model/m')
  // @ts-expect-error a field by another name
  await append(ctx, 'delivery.unpinned', 'model/m', { why: 'trial' })
  // @ts-expect-error a subject of another kind
  await append(ctx, 'delivery.unpinned', 'run/m', { reason: 'trial' })
  // @ts-expect-error a job that does not exist
  await enqueue(ctx, { kind: 'delivery.tock', payload: { release: 'm.r1' } })
  // @ts-expect-error a payload without its field
  await enqueue(ctx, { kind: 'delivery.tick', payload: {} })
}

export const refusedReactions: Reactions<typeof events>[] = [
  // @ts-expect-error a reaction to an event that does not exist
  { 'delivery.live_chnged': [] },
  // @ts-expect-error a reaction that reads a field that is not there
  { 'delivery.live_changed': [async (ctx, { data }) => ctx.log.info(data.endpoint)] },
]

const { 'delivery.mend': _, ...others } = onJob
// @ts-expect-error a job without a handler
export const refusedHandlers: JobHandlers<typeof jobs> = others
// @ts-expect-error a handler that wants what the job does not have
export const refusedHandler: JobHandlers<typeof jobs>['delivery.mend'] = async (_ctx, { release }) => ({
  mended: release,
})

test('every domain that tells of something is in the catalogue, by names that begin with its own', () => {
  const domains = (file: string) =>
    globSync(`domains/*/${file}`, { cwd: import.meta.dirname }).map((path) => path.split('/')[1])
  const told = (names: string[]) => [...new Set(names.map((name) => name.split('.')[0]))]
  assert.deepEqual(told(Object.keys(events)).sort(), domains('events.ts').sort())
  assert.deepEqual(told(Object.keys(jobs)).sort(), domains('jobs.ts').sort())
})

test('every event says in a sentence when it happens', () => {
  for (const [type, { when }] of Object.entries(events)) assert.match(when, /^[A-Z].+\.$/, type)
})
