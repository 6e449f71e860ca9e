import type { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import type { CoreTables } from './tables.ts'

type Database = Kysely<CoreTables>
type Waiting = {
  work: (db: Database) => Promise<unknown>
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

const maxTogether = 64

/**
 * One writer at a time is all that SQLite allows, and every commit waits for the disk. So transactions that queue up
 * behind a commit share the next one: each runs in a savepoint of its own and fails alone, and each resolves once all
 * of them are on disk.
 */
export function shareTransactions(sqlite: DatabaseSync) {
  let queue: Waiting[] = []
  let busy = false

  async function runInSavepoint(db: Database, { work, reject }: Waiting): Promise<{ value: unknown } | undefined> {
    sqlite.exec('savepoint shared')
    try {
      const value = await work(db)
      sqlite.exec('release shared')
      return { value }
    } catch (error) {
      // A full disk has undone the whole transaction by itself: nobody's work is there any more.
      if (!sqlite.isTransaction) throw error
      sqlite.exec('rollback to shared; release shared')
      reject(error)
      return undefined
    }
  }

  async function runTogether(outer: Database, batch: Waiting[]): Promise<void> {
    const done: (() => void)[] = []
    await outer.transaction().execute(async (db) => {
      for (const waiting of batch) {
        const result = await runInSavepoint(db, waiting)
        if (result) done.push(() => waiting.resolve(result.value))
      }
    })
    for (const resolve of done) resolve()
  }

  async function drain(outer: Database): Promise<void> {
    busy = true
    while (queue.length > 0) {
      // The requests that came in during the last commit are read first, so that they are part of this one.
      await new Promise((resolve) => setImmediate(resolve))
      const batch = queue.slice(0, maxTogether)
      queue = queue.slice(batch.length)
      const [only] = batch
      if (only && batch.length === 1) await outer.transaction().execute(only.work).then(only.resolve, only.reject)
      else {
        await runTogether(outer, batch).catch((error: unknown) => {
          for (const { reject } of batch) reject(error)
        })
      }
    }
    busy = false
  }

  return function transact<T>(outer: Database, work: (db: Database) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      queue.push({ work, resolve: resolve as (value: unknown) => void, reject })
      if (!busy) void drain(outer)
    })
  }
}
