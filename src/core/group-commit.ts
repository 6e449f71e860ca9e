import type { Context } from './context.ts'
import { transaction } from './transaction.ts'

type PendingRow<Row> = { row: Row; resolve: () => void; reject: (error: unknown) => void }

/**
 * Collects rows that arrive while the last batch is being written and commits them together: `write` resolves
 * once its row is on disk. A batch that fails is tried row by row, so one bad row does not fail its neighbours.
 */
export function groupCommit<Row>(ctx: Context, flush: (ctx: Context, rows: Row[]) => Promise<void>, limit = 5_000) {
  let queue: PendingRow<Row>[] = []
  let writing = false

  async function writeOneByOne(batch: PendingRow<Row>[]): Promise<void> {
    for (const { row, resolve, reject } of batch) {
      await transaction(ctx, (ctx) => flush(ctx, [row])).then(resolve, reject)
    }
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, limit)
      queue = queue.slice(batch.length)
      try {
        const rows = batch.map((pending) => pending.row)
        await transaction(ctx, (ctx) => flush(ctx, rows))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        if (batch.length === 1) batch[0]?.reject(error)
        else await writeOneByOne(batch)
      }
    }
    writing = false
  }

  return {
    write(row: Row): Promise<void> {
      return new Promise((resolve, reject) => {
        queue.push({ row, resolve, reject })
        if (writing) return
        writing = true
        setImmediate(() => void drain())
      })
    },
  }
}
