import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createApp } from '../../src/app.ts'
import { type Clock, simulatedClock } from '../../src/core/clock.ts'
import { resolveConfig } from '../../src/core/config.ts'
import type { Context } from '../../src/core/context.ts'
import { createDatabase, type OwnDatabase, onPostgres } from './database.ts'

/** Puts something into an empty project. The same function is run once in a process; whoever names it gets a copy. */
export type Seed = (ctx: Context) => Promise<void>

type Snapshot = { folder: string; database: OwnDatabase | undefined }

export const testStart = new Date('2026-01-01T00:00:00.000Z')
const snapshots = new Map<Seed, Promise<Snapshot>>()
const data = resolveConfig({ environment: {} }).config.data

/** What is in every project: the tables. */
export async function nothing(): Promise<void> {}

/**
 * The engine of this pass with what `seed` puts there: an SQLite file in the data folder of `root`, or a database of
 * its own on PostgreSQL. A data folder that is there already keeps what it has.
 */
export async function ownDatabase(
  root: string | undefined,
  seed: Seed = nothing,
  clock: Clock = simulatedClock(testStart),
): Promise<OwnDatabase> {
  const { folder, database } = await snapshotOf(seed, clock)
  if (root !== undefined && !existsSync(join(root, data))) copyFolder(join(folder, data), join(root, data))
  return database === undefined ? { database: '', drop: async () => {} } : createDatabase(nameOf(database))
}

function snapshotOf(seed: Seed, clock = simulatedClock(testStart)): Promise<Snapshot> {
  const known = snapshots.get(seed)
  if (known) return known
  if (snapshots.size === 0) removeAtTheEnd()
  const made = takeSnapshot(seed, clock)
  snapshots.set(seed, made)
  return made
}

async function takeSnapshot(seed: Seed, clock: Clock): Promise<Snapshot> {
  const folder = mkdtempSync(join(tmpdir(), 'keel-seed-'))
  const database = onPostgres() ? await emptyOrMigrated(seed) : undefined
  if (seed !== nothing) copyFolder(join((await snapshotOf(nothing)).folder, data), join(folder, data))
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({
    config: { ...config, port: '0', log: 'silent', database: database?.database ?? '' },
    root: folder,
    clock,
  })
  await seed(app.ctx)
  await app.close()
  return { folder, database }
}

async function emptyOrMigrated(seed: Seed): Promise<OwnDatabase> {
  if (seed === nothing) return createDatabase()
  const { database } = await snapshotOf(nothing)
  return createDatabase(database && nameOf(database))
}

function nameOf({ database }: OwnDatabase): string {
  return new URL(database).pathname.slice(1)
}

/** The lock belongs to the process that holds the folder. */
function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => basename(path) !== 'lock' })
}

/**
 * Under "npm test" a process runs many files and ends when its parent lets go of it; otherwise it ends by itself, or
 * seems to: whoever asks again then gets a new snapshot.
 */
function removeAtTheEnd(): void {
  process.once(process.channel ? 'disconnect' : 'beforeExit', async () => {
    const made = [...snapshots.values()]
    snapshots.clear()
    for (const { folder, database } of await Promise.all(made)) {
      rmSync(folder, { recursive: true, force: true })
      await database?.drop()
    }
  })
}
