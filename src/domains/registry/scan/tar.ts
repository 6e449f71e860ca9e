import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import type { ArchiveJudge } from './entries.ts'

const maxEntries = 100_000
const files: unknown[] = ['file', 'contiguous-file']
const links: unknown[] = ['link', 'symlink']

type Pax = Record<string, string | undefined>

/** Judges every entry of a tar stream, read on until `limit` bytes; `cut` says that there was more. Throws where it is damaged. */
export async function readTar(
  stream: AsyncIterable<Buffer>,
  limit: number,
  judge: ArchiveJudge,
): Promise<{ cut: boolean; bytes: number }> {
  let [bytes, count, cut] = [0, 0, false]
  let recent: Buffer = Buffer.alloc(0)
  const reader = extract({ allowUnknownFormat: true } as Parameters<typeof extract>[0])
  const globals = globalsOf(reader)
  reader.on('entry', (header, content, next) => {
    count += 1
    const place = bytes - recent.length
    const own = 'byteOffset' in header && typeof header.byteOffset === 'number' ? header.byteOffset - 512 - place : -1
    judgeHeader(header, globals, own < 0 ? undefined : recent.subarray(own, own + 512), judge)
    content.on('error', () => {})
    content.on('end', () => next())
    content.resume()
  })
  async function* limited(): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      bytes += chunk.length
      cut = bytes > limit || count > maxEntries
      if (cut) return
      recent = Buffer.concat([recent.subarray(-1024), chunk])
      yield chunk
    }
  }
  try {
    await pipeline(limited, reader as unknown as NodeJS.WritableStream)
  } catch (error) {
    if (!cut) throw error
  }
  return { cut, bytes }
}

/** The library uses a header for all entries only where an entry has one of its own; tar and Python use it for each. */
function globalsOf(reader: object): Pax {
  const globals: Pax = Object.create(null)
  Object.defineProperty(reader, '_paxGlobal', {
    get: () => globals,
    set: (more: Pax | null) => Object.assign(globals, more),
  })
  return globals
}

/** Every name under which one reader or another would write this entry. */
function judgeHeader(header: Header, globals: Pax, raw: Buffer | undefined, judge: ArchiveJudge): void {
  const pax: Pax = { ...globals, ...(header.pax as Pax | null) }
  const own = raw ? [textAt(raw, 0, 100), `${textAt(raw, 345, 155)}/${textAt(raw, 0, 100)}`.replace(/^\//, '')] : []
  const names = [header.name, pax.path, pax['GNU.sparse.name'], ...own].filter((name) => name !== undefined)
  const isLink = links.includes(header.type)
  const targets = [header.linkname, pax.linkpath].filter((target) => typeof target === 'string')
  if (globals.path !== undefined || globals.linkpath !== undefined || globals.size !== undefined)
    judge.doubt('One header names or sizes all its entries; readers differ in what they make of that.')
  if (header.type === null) judge.doubt('It holds an entry of a type that readers take differently.')
  if (header.size > 0 && !files.includes(header.type))
    judge.doubt('It holds an entry with a size that readers take differently.')
  for (const link of isLink ? new Set(targets) : [undefined])
    judge.entry({ names: [...new Set(names)], size: header.size, packed: header.size, link })
}

function textAt(buffer: Buffer, start: number, length: number): string {
  const field = buffer.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}
