import { AppError } from '../../../core/errors.ts'

export type LaneRules = {
  /** Calls at the same time. */
  concurrency: number
  /** Callers that may wait for one of them; who comes then is turned away at once. */
  queue: number
}

/** What one version can take at a time, with a bounded queue before it. */
export type Lane = {
  /** Runs `work` when there is room, in order of arrival; `deadline` (elapsed milliseconds) is kept while waiting, too. */
  run<T>(deadline: number, work: () => Promise<T>): Promise<T>
  /** Other bounds from now on; who waits already goes on waiting. */
  limit(rules: LaneRules): void
  state(): { running: number; waiting: number; refused: number }
}

type Waiting = { start(): void; refuse(error: AppError): void; deadline: number }

/** `name` is what a refusal names. */
export function createLane(name: string, rules: LaneRules, elapsed: () => number): Lane {
  let { concurrency, queue } = rules
  let running = 0
  let refused = 0
  const waiting: Waiting[] = []
  /** Moving mean of how long a call takes, for `Retry-After`. */
  let mean = 100

  function overloaded(): AppError {
    refused += 1
    return new AppError('too_many_requests', `"${name}" has ${running} calls running and ${waiting.length} waiting.`, {
      name,
      hint: 'Try again later, or raise "concurrency" or "queue" under "serves.limits" in the spec.',
      retryAfterSeconds: (mean * (waiting.length + 1)) / concurrency / 1_000,
    })
  }

  function late(): AppError {
    return new AppError('deadline_exceeded', `"${name}" had no room in time.`, { name })
  }

  function next(): void {
    while (running < concurrency) {
      const first = waiting.shift()
      if (!first) return
      if (elapsed() < first.deadline) first.start()
      else first.refuse(late())
    }
  }

  function room(deadline: number): Promise<void> | undefined {
    if (running < concurrency) return undefined
    if (waiting.length >= queue) throw overloaded()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const index = waiting.indexOf(entry)
        if (index >= 0) waiting.splice(index, 1)
        reject(late())
      }, deadline - elapsed())
      const entry: Waiting = {
        deadline,
        start() {
          clearTimeout(timer)
          running += 1
          resolve()
        },
        refuse(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
      waiting.push(entry)
    })
  }

  return {
    async run(deadline, work) {
      const turn = room(deadline)
      if (turn) await turn
      else running += 1
      const began = elapsed()
      try {
        return await work()
      } finally {
        mean += (elapsed() - began - mean) / 20
        running -= 1
        next()
      }
    },
    limit(rules) {
      concurrency = rules.concurrency
      queue = rules.queue
      next()
    },
    state: () => ({ running, waiting: waiting.length, refused }),
  }
}
