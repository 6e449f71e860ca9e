import { type FileHandle, open } from 'node:fs/promises'
import { createInflateRaw } from 'node:zlib'

/** One entry of an archive, as its own directory tells it. */
export type Entry = { name: string; size: number; packed: number; link: string | undefined }

type ZipEntry = Entry & { method: number; offset: number }

const endBytes = 22 + 65_535
const maxEntries = 100_000

/** The central directory of a ZIP file; undefined when it has none that can be read. */
export async function zipEntries(path: string): Promise<ZipEntry[] | undefined> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const tail = await readAt(file, Math.max(0, size - endBytes), Math.min(size, endBytes))
    const at = tail.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'))
    if (at < 0 || at + 22 > tail.length) return undefined
    const place = (await zip64Place(file, tail, at)) ?? {
      count: tail.readUInt16LE(at + 10),
      bytes: tail.readUInt32LE(at + 12),
      start: tail.readUInt32LE(at + 16),
    }
    if (place.count > maxEntries || place.start + place.bytes > size) return undefined
    return entriesOf(await readAt(file, place.start, place.bytes))
  } finally {
    await file.close()
  }
}

async function zip64Place(file: FileHandle, tail: Buffer, at: number) {
  const locator = at - 20
  if (locator < 0 || tail.toString('latin1', locator, locator + 4) !== 'PK\u0006\u0007') return undefined
  const record = await readAt(file, Number(tail.readBigUInt64LE(locator + 8)), 56)
  if (record.length < 56 || record.toString('latin1', 0, 4) !== 'PK\u0006\u0006') return undefined
  return {
    count: Number(record.readBigUInt64LE(32)),
    bytes: Number(record.readBigUInt64LE(40)),
    start: Number(record.readBigUInt64LE(48)),
  }
}

function entriesOf(directory: Buffer): ZipEntry[] {
  const entries: ZipEntry[] = []
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === 0x02014b50; ) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => directory.readUInt16LE(at + offset))
    const name = directory.toString('utf8', at + 46, at + 46 + (nameLength ?? 0))
    const extra = directory.subarray(at + 46 + (nameLength ?? 0), at + 46 + (nameLength ?? 0) + (extraLength ?? 0))
    const unixMode = directory.readUInt32LE(at + 38) >>> 16
    const [size, packed, offset] = wide(
      extra,
      [24, 20, 42].map((place) => directory.readUInt32LE(at + place)),
    )
    entries.push({
      name,
      size: size ?? 0,
      packed: packed ?? 0,
      offset: offset ?? 0,
      method: directory.readUInt16LE(at + 10),
      link: (unixMode & 0xf000) === 0xa000 ? '?' : undefined,
    })
    at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0)
  }
  return entries
}

/** Numbers that do not fit in 32 bits are in the extra field of type 1, in this order. */
function wide(extra: Buffer, values: number[]): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue
    let from = at + 4
    return values.map((value) => {
      if (value !== 0xffffffff || from + 8 > extra.length) return value
      from += 8
      return Number(extra.readBigUInt64LE(from - 8))
    })
  }
  return values
}

/** The bytes of one entry as a stream, unpacked at most `limit` of them. */
export async function* zipMember(path: string, entry: ZipEntry, limit: number): AsyncGenerator<Buffer> {
  const file = await open(path)
  try {
    const header = await readAt(file, entry.offset, 30)
    if (header.length < 30) return
    const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
    const raw = file.createReadStream({ start, end: Math.max(start, start + entry.packed - 1), autoClose: false })
    const stream = entry.method === 8 ? raw.pipe(createInflateRaw()) : raw
    let left = limit
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      yield chunk.subarray(0, left)
      left -= chunk.length
      if (left <= 0) return
    }
  } finally {
    await file.close()
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** The headers of a tar stream, read on until `limit` bytes; `cut` says that there was more. */
export async function tarEntries(
  stream: AsyncIterable<Buffer>,
  limit: number,
): Promise<{ entries: Entry[]; cut: boolean; bytes: number }> {
  const entries: Entry[] = []
  let [pending, bytes, skip] = [Buffer.alloc(0), 0, 0]
  let longName: string | undefined
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > limit || entries.length > maxEntries) return { entries, cut: true, bytes }
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const skipped = Math.min(skip, pending.length)
      pending = pending.subarray(skipped)
      skip -= skipped
      if (skip > 0 || pending.length < 512) break
      const header = pending.subarray(0, 512)
      const size = Number.parseInt(textAt(header, 124, 12).trim(), 8) || 0
      const padded = Math.ceil(size / 512) * 512
      const type = String.fromCharCode(header[156] ?? 0)
      if (type === 'L' && size < 65_536) {
        if (pending.length < 512 + padded) break
        longName = textAt(pending, 512, size)
        pending = pending.subarray(512 + padded)
        continue
      }
      const prefix = textAt(header, 345, 155)
      const name = longName ?? (prefix === '' ? textAt(header, 0, 100) : `${prefix}/${textAt(header, 0, 100)}`)
      longName = undefined
      const link = type === '1' || type === '2' ? textAt(header, 157, 100) : undefined
      if (name !== '' && type !== 'x' && type !== 'g') entries.push({ name, size, packed: size, link })
      pending = pending.subarray(512)
      skip = padded
    }
  }
  return { entries, cut: false, bytes }
}

function textAt(buffer: Buffer, start: number, length: number): string {
  const field = buffer.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}
