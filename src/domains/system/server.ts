import type { Worker } from '../../core/background/background.ts'
import { type Context, liveValue } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import { version } from '../../version.ts'
import type { system } from './contract.ts'

type Operations = typeof system

export function info(ctx: Context): Output<Operations['info']> {
  return {
    version,
    now: ctx.now().toISOString(),
    simulated: ctx.clock.simulated,
    database: ctx.engine.name,
    pid: process.pid,
    project: ctx.root,
  }
}

type Holder = { worker: Worker | undefined; url: string }

export function holder(ctx: Context): Holder {
  return liveValue(ctx, 'system.worker', () => ({ worker: undefined, url: '' }))
}

/** The composition root hands over the worker, which owns the order of due work. */
export function provideWorker(ctx: Context, worker: Worker): void {
  holder(ctx).worker = worker
}

/** Where this server answers; what it starts (pipeline steps) calls back here. */
export function provideAddress(ctx: Context, url: string): void {
  holder(ctx).url = url
}

export function address(ctx: Context): string {
  return holder(ctx).url
}
