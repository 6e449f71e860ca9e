import { statfs } from 'node:fs/promises'
import type { Context } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import type { system } from './contract.ts'
import * as store from './store.ts'

type Operations = typeof system

const blobSample = 20
const lowSpaceBytes = 1024 ** 3

type Finding = Output<Operations['doctor']>['findings'][number]

export async function doctor(ctx: Context): Promise<Output<Operations['doctor']>> {
  return { findings: [await checkDatabase(ctx), await checkSpace(ctx), await checkJobs(ctx), await checkBlobs(ctx)] }
}

async function checkDatabase(ctx: Context): Promise<Finding> {
  if (ctx.engine.shared) {
    await store.askDatabase(ctx)
    return { check: 'database', state: 'ok', message: 'PostgreSQL answers.' }
  }
  return (await store.isIntact(ctx))
    ? { check: 'database', state: 'ok', message: 'SQLite, WAL, synchronous=FULL; integrity ok.' }
    : {
        check: 'database',
        state: 'fail',
        message: 'SQLite reports damage.',
        fix: 'Stop the server, move the data folder aside, put a copy from before the damage in its place, start again.',
      }
}

async function checkSpace(ctx: Context): Promise<Finding> {
  const { bavail, bsize } = await statfs(ctx.folder)
  const free = bavail * bsize
  const message = `${(free / 1024 ** 3).toFixed(1)} GiB free in ${ctx.folder}`
  return { check: 'space', state: free < lowSpaceBytes ? 'warn' : 'ok', message }
}

async function checkJobs(ctx: Context): Promise<Finding> {
  const n = await store.countFailedJobs(ctx)
  return n === 0
    ? { check: 'jobs', state: 'ok', message: 'No failed background work.' }
    : {
        check: 'jobs',
        state: 'warn',
        message: `${n} pieces of background work failed.`,
        fix: 'keel api system.events --json',
      }
}

async function checkBlobs(ctx: Context): Promise<Finding> {
  let checked = 0
  for await (const { digest } of ctx.blobs.list()) {
    if (!(await ctx.blobs.verify(digest))) {
      return {
        check: 'artifacts',
        state: 'fail',
        message: `The bytes of ${digest} are damaged.`,
        fix: 'Copy the file of this digest from a backup of the data folder or the bucket, then run "keel fsck".',
      }
    }
    checked += 1
    if (checked >= blobSample) break
  }
  return { check: 'artifacts', state: 'ok', message: `${checked} blobs re-hashed, all as named.` }
}
