import { open } from 'node:fs/promises'

const maxTail = 22 + 65_535

/** How many bytes stand before the archive, as Python reckons it: from its end, not from what it says of its start. */
export async function zipShift(path: string): Promise<number | undefined> {
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    const tail = Buffer.alloc(Math.min(size, maxTail))
    await handle.read(tail, 0, tail.length, size - tail.length)
    const at = tail.lastIndexOf('PK\u0005\u0006', undefined, 'latin1')
    if (at < 0 || at + 22 > tail.length) return undefined
    const is64 = at >= 20 && tail.toString('latin1', at - 20, at - 16) === 'PK\u0006\u0007'
    const shift = size - tail.length + at - tail.readUInt32LE(at + 12) - tail.readUInt32LE(at + 16)
    return is64 || shift < 0 ? 0 : shift
  } finally {
    await handle.close()
  }
}
