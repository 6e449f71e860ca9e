import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type App, createApp } from '../../src/app.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { routesOf } from '../../src/client/routes.ts'
import { type Api, api } from '../../src/contract.ts'
import { type Clock, simulatedClock } from '../../src/core/clock.ts'
import { type Config, resolveConfig } from '../../src/core/config.ts'
import type { Context } from '../../src/core/context.ts'
import { ownDatabase, type Seed, testStart } from './snapshot.ts'

type Options = {
  root?: string
  settings?: Partial<Config>
  start?: Date
  /** Instead of one that only moves to where the test sets it. */
  clock?: Clock
  bodyPatience?: number
  /** What is in the project from the beginning. */
  from?: Seed
}

/**
 * The whole app on a real database and a real folder, with a clock that only the test moves.
 * Nothing listens and no worker runs by itself: `app.worker.drain()` runs what is due.
 */
export async function testApp(test: TestContext, options: Options = {}): Promise<App> {
  const root = options.root ?? mkdtempSync(join(tmpdir(), 'keel-test-'))
  const { config } = resolveConfig({ environment: {} })
  const { database, drop } = options.settings?.database
    ? { database: '', drop: async () => {} }
    : await ownDatabase(root, options.from)
  const app = await createApp({
    config: { ...config, port: '0', log: 'silent', clock: 'simulated', database, ...options.settings },
    root,
    clock: options.clock ?? simulatedClock(options.start ?? testStart),
    checkReplies: true,
    ...(options.bodyPatience === undefined ? {} : { bodyPatience: options.bodyPatience }),
  })
  test.after(async () => {
    try {
      await app.close()
    } finally {
      await drop()
      if (options.root === undefined) rmSync(root, { recursive: true, force: true })
    }
  })
  return app
}

/** The context of an app of its own: what an operation is called with. */
export async function testContext(test: TestContext, options: Options = {}): Promise<Context> {
  return (await testApp(test, options)).ctx
}

/** The app behind its HTTP door, with the typed client in front. */
export async function testServer(
  test: TestContext,
  options: Options = {},
): Promise<{ app: App; url: string; client: Client<Api> }> {
  const app = await testApp(test, options)
  const url = await app.listen({ port: 0 })
  return { app, url, client: createClient<Api>(routesOf(api), { url }) }
}
