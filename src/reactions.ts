import type { Context } from './core/context.ts'
import type { JobHandler, Reaction } from './core/worker.ts'

type Step = (ctx: Context) => void | Promise<void>

/** What a server does before it answers its first request, in this order. */
export const onStart: Step[] = []

/** What a server does before it ends, in this order. */
export const onStop: Step[] = []

/** Event type -> what follows. Runs in the transaction that marks the event delivered. */
export const onEvent: Record<string, Reaction[]> = {}

/** Job kind -> who does it. */
export const onJob: Record<string, JobHandler> = {}
