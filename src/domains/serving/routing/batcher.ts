import type { Row, Value } from '../../../core/onnx/onnx.ts'

export type BatchRules = { size: number; waitMilliseconds: number }

type Predict = (rows: Row[]) => Promise<Value[]>
type Entry = { row: Row; resolve(value: Value): void; reject(error: unknown): void }

/**
 * Gathers the rows of several requests into one call: as many as `size`, and none waits longer than `waitMilliseconds`
 * from the first. A call that fails is made again row by row, so that one bad row spoils no other request.
 */
export function createBatcher(predict: Predict, { size, waitMilliseconds }: BatchRules): (row: Row) => Promise<Value> {
  let gathered: Entry[] = []
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const entries = gathered
    gathered = []
    void answer(entries)
  }

  async function answer(entries: Entry[]): Promise<void> {
    try {
      const values = await predict(entries.map(({ row }) => row))
      for (const [index, { resolve }] of entries.entries()) resolve(values[index] ?? null)
    } catch (error) {
      if (entries.length === 1) entries[0]?.reject(error)
      else await Promise.all(entries.map((entry) => answer([entry])))
    }
  }

  return (row) =>
    new Promise((resolve, reject) => {
      gathered.push({ row, resolve, reject })
      if (gathered.length >= size) flush()
      else timer ??= setTimeout(flush, waitMilliseconds)
    })
}
