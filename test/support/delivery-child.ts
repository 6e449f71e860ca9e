import { createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'
import type { Context } from '../../src/core/context.ts'
import * as delivery from '../../src/domains/delivery/delivery.ts'
import { model } from './trips.ts'

/**
 * `delivery-child.ts <folder> <database> <act> <n>`: opens the app on an existing folder, does one thing to the newest
 * release, and dies by SIGKILL before its n-th statement that writes, or at the latest when the thing is done.
 */
const [root = '', database = '', act = '', kill = '0'] = process.argv.slice(2)
const { config } = resolveConfig({ environment: {} })
const app = await createApp({ config: { ...config, port: '0', log: 'silent', database }, root })

let left = Number(kill)
/** Dies at the given statement, so that every moment of a transition is once its last. */
function mortal(ctx: Context): Context {
  const { engine } = ctx
  const transact: Context['engine']['transact'] = (db, work) =>
    engine.transact(db, (inner) =>
      work(
        inner.withPlugin({
          transformQuery({ node }) {
            if (node.kind !== 'SelectQueryNode' && --left === 0) process.kill(process.pid, 'SIGKILL')
            return node
          },
          async transformResult({ result }) {
            return result
          },
        }),
      ),
    )
  return { ...ctx, engine: { ...engine, transact } }
}

const ctx = mortal(app.ctx)
const { items } = await delivery.listReleases(ctx, { model })
const release = items[0]?.id ?? ''
const acts: Record<string, () => Promise<unknown>> = {
  release: () => delivery.release(ctx, { model, version: 1, reason: 'a crash' }),
  skip: () => delivery.skip(ctx, { release, step: -1 }),
  promote: () => delivery.promote(ctx, { release }),
  pause: () => delivery.pause(ctx, { release }),
  abort: () => delivery.abort(ctx, { release }),
  rollback: () => delivery.rollback(ctx, { model, reason: 'a crash' }),
  unpin: () => delivery.unpin(ctx, { model, reason: 'a crash' }),
  drill: () => delivery.drill(ctx, { model }),
}
await acts[act]?.()
process.kill(process.pid, 'SIGKILL')
