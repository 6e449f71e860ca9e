import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import pg from 'pg'
import { type App, createApp } from '../../src/app.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { routesOf } from '../../src/client/routes.ts'
import { type Api, api } from '../../src/contract.ts'
import { simulatedClock } from '../../src/core/clock.ts'
import { type Config, readEnvironment, resolveConfig } from '../../src/core/config.ts'
import type { Context } from '../../src/core/context.ts'

export const testStart = new Date('2026-01-01T00:00:00.000Z')

/** A folder of the test's own, removed afterwards. */
export function temporaryFolder(test: TestContext, prefix = 'keel-test-'): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The engine this pass runs on: an SQLite file, or a schema of its own in the PostgreSQL of TEST_PG. */
export async function ownDatabase(): Promise<{ database: string; drop: () => Promise<void> }> {
  const environment = readEnvironment()
  if (environment['KEEL_TEST_ENGINE'] !== 'postgres') return { database: '', drop: async () => {} }
  const url = environment['TEST_PG']
  if (url === undefined) throw new Error('KEEL_TEST_ENGINE=postgres needs TEST_PG')
  const schema = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`create schema ${schema}`)
  const own = new URL(url)
  own.searchParams.set('options', `-c search_path=${schema}`)
  const drop = async () => {
    await admin.query(`drop schema ${schema} cascade`)
    await admin.end()
  }
  return { database: own.toString(), drop }
}

type Options = { root?: string; settings?: Partial<Config>; start?: Date; bodyPatience?: number }

/**
 * The whole app on a real database and a real folder, with a clock that only the test moves.
 * Nothing listens and no worker runs by itself: `app.worker.drain()` runs what is due.
 */
export async function testApp(test: TestContext, options: Options = {}): Promise<App> {
  const root = options.root ?? mkdtempSync(join(tmpdir(), 'keel-test-'))
  const { config } = resolveConfig({ environment: {} })
  const { database, drop } = await ownDatabase()
  const app = await createApp({
    config: { ...config, port: '0', log: 'silent', clock: 'simulated', database, ...options.settings },
    root,
    clock: simulatedClock(options.start ?? testStart),
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
