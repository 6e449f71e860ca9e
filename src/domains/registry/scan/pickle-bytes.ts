/** What a walk over bytes asks for next: some bytes, to step over some, one line without its end, or whatever is there. */
export type ByteRequest = { take: number } | { skip: number } | { line: true } | { rest: true }

/** Answers a walk from a stream of any size in constant memory; the stream is closed however the walk ends. */
export async function walkStream<Result>(
  walk: Generator<ByteRequest, Result, Buffer | undefined>,
  stream: AsyncIterable<Buffer>,
): Promise<Result> {
  const chunks = stream[Symbol.asyncIterator]()
  let buffer: Buffer = Buffer.alloc(0)
  let ended = false

  async function more(): Promise<boolean> {
    const { value, done } = await chunks.next()
    if (done) ended = true
    else buffer = buffer.length === 0 ? value : Buffer.concat([buffer, value])
    return !done
  }
  async function answer(ask: ByteRequest): Promise<Buffer | undefined> {
    if ('take' in ask) {
      while (buffer.length < ask.take && !ended) await more()
      if (buffer.length < ask.take) return undefined
      const taken = buffer.subarray(0, ask.take)
      buffer = buffer.subarray(ask.take)
      return taken
    }
    if ('skip' in ask) {
      let left = ask.skip
      while (left > buffer.length && !ended) {
        left -= buffer.length
        buffer = Buffer.alloc(0)
        await more()
      }
      buffer = buffer.subarray(left)
      return undefined
    }
    if ('rest' in ask) {
      if (buffer.length === 0 && !(await more())) return undefined
      const rest = buffer
      buffer = Buffer.alloc(0)
      return rest
    }
    let end = buffer.indexOf(0x0a)
    while (end < 0 && buffer.length < 65_536 && (await more())) end = buffer.indexOf(0x0a)
    if (end < 0) return undefined
    const text = buffer.subarray(0, end)
    buffer = buffer.subarray(end + 1)
    return text
  }

  try {
    let step = walk.next()
    while (!step.done) {
      const asked = step.value
      if ('take' in asked && buffer.length >= asked.take) {
        const taken = buffer.subarray(0, asked.take)
        buffer = buffer.subarray(asked.take)
        step = walk.next(taken)
      } else step = walk.next(await answer(asked))
    }
    return step.value
  } finally {
    await chunks.return?.()
  }
}
