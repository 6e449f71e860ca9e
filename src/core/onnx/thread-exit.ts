import type { Worker } from 'node:worker_threads'

/** How long each thread has been at what it does, in milliseconds; 0 for one that does nothing. */
const threads = new Map<Worker, () => number>()
const patienceAtExit = 1_000
let listens = false

/**
 * Nothing ends a thread in the middle of a native computation, and a process waits for its threads when it exits. With one
 * that is still at work then, the process kills itself: everything else has ended by that time.
 */
export function killAtExit(thread: Worker, busyFor: () => number): void {
  threads.set(thread, busyFor)
  thread.once('exit', () => threads.delete(thread))
  if (listens) return
  listens = true
  process.on('exit', () => {
    for (const busyFor of threads.values()) if (busyFor() > patienceAtExit) process.kill(process.pid, 'SIGKILL')
  })
}

/** The message that asks a thread to end, between two computations: one that is torn out of native code takes the process with it. */
export type End = { kind: 'end' }

/** Asks a thread to end; false where it has not after `milliseconds`, and goes on by itself. */
export async function endThread(thread: Worker, milliseconds: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), milliseconds)
  thread.once('exit', () => resolve(true))
  thread.postMessage({ kind: 'end' } satisfies End)
  const ended = await promise
  clearTimeout(timer)
  thread.unref()
  return ended
}
