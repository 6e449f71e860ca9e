const batch = 5_000

/** The rows of a file in parts that one request may hold. */
export async function* inBatches<Item>(rows: AsyncIterable<Item[]>): AsyncGenerator<Item[]> {
  let waiting: Item[] = []
  for await (const some of rows) {
    waiting.push(...some)
    if (waiting.length < batch) continue
    yield waiting
    waiting = []
  }
  if (waiting.length > 0) yield waiting
}
