import type { Clock } from '../clock.ts'
import type { Order, RunResult, ToThread } from './messages.ts'

export type PendingCall = { message: ToThread; resolve(done: RunResult): void; reject(error: Error): void }

/** Calls that a thread has not answered, in their order: it works on the oldest. */
export type PendingCalls = ReturnType<typeof createPendingCalls>

export function createPendingCalls(clock: Clock) {
  const pending = new Map<number, PendingCall>()
  let count = 0
  /** Since when the oldest call is at work. */
  let since = 0
  return {
    size: () => pending.size,
    first: (): PendingCall | undefined => pending.values().next().value,
    /** How long the oldest has been at work, in milliseconds. */
    busyFor: () => (pending.size > 0 ? clock.elapsed() - since : 0),
    create(order: Order): { call: PendingCall; answer: Promise<RunResult> } {
      const { promise, resolve, reject } = Promise.withResolvers<RunResult>()
      count += 1
      return { call: { message: { ...order, call: count }, resolve, reject }, answer: promise }
    },
    add(call: PendingCall): void {
      if (pending.size === 0) since = clock.elapsed()
      pending.set(call.message.call, call)
    },
    /** The call that was answered; what is behind it is at work from now on. */
    take(number: number): PendingCall | undefined {
      const call = pending.get(number)
      if (!call) return undefined
      pending.delete(number)
      since = clock.elapsed()
      return call
    },
    takeAll(): PendingCall[] {
      const all = [...pending.values()]
      pending.clear()
      return all
    },
  }
}
