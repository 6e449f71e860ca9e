/** Does `work` for 0 … n-1, a few at once. After a failure nothing more is begun, what runs is waited for, and it is thrown. */
export async function atOnce(few: number, n: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < n; index = next++) {
      try {
        await work(index)
      } catch (error) {
        next = n
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: few }, worker))
  for (const one of ended) if (one.status === 'rejected') throw one.reason
}

/** What the work gives, or the error of being late; the work itself may go on where nothing can end it. */
export function withTimeLimit<T>(work: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
