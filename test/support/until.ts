import { setTimeout as sleep } from 'node:timers/promises'

type Patience = { within?: number; every?: number }

/** Waits until `condition` holds, and fails by the name of `what` it waited for when it does not. Milliseconds. */
export async function until(
  condition: () => unknown,
  what: string,
  { within = 10_000, every = 10 }: Patience = {},
): Promise<void> {
  const end = performance.now() + within
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${within / 1000} s in vain for ${what}.`)
    await sleep(every)
  }
}
