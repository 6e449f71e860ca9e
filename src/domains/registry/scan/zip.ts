import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { type Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader, type ZipFile } from 'yauzl'
import type { ArchiveJudge } from './entries.ts'

const maxEntries = 100_000

/** A file member whose bytes can be looked at. */
export type Member = { name: string; bytes: () => Promise<Readable> }

/** The file from `shift` on: what stands before a ZIP file moves every place in it. */
class FileReader extends RandomAccessReader {
  readonly path: string
  readonly handle: FileHandle
  readonly shift: number
  readonly size: number

  constructor(path: string, handle: FileHandle, shift: number, size: number) {
    super()
    this.path = path
    this.handle = handle
    this.shift = shift
    this.size = size
  }

  override _readStreamForRange(start: number, end: number): Readable {
    if (start < 0 || end > this.size)
      return new Readable({
        read() {
          this.destroy(new Error('unexpected EOF'))
        },
      })
    return createReadStream(this.path, { start: start + this.shift, end: end + this.shift - 1 })
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytes?: number) => void,
  ): void {
    if (position + length > this.size) return void setImmediate(callback, new Error('unexpected EOF'))
    this.handle
      .read(buffer, offset, length, position + this.shift)
      .then(({ bytesRead }) => callback(null, bytesRead), callback)
      .catch((error: unknown) => this.emit('error', error))
  }
}

/** Judges every entry of a ZIP file and yields each for who wants its bytes. Throws where it cannot be read. */
export async function* zipMembers(path: string, shift: number, judge: ArchiveJudge): AsyncGenerator<Member> {
  const handle = await open(path)
  let zip: ZipFile | undefined
  try {
    const size = (await handle.stat()).size - shift
    zip = await fromRandomAccessReaderPromise(new FileReader(path, handle, shift, size), size, {
      autoClose: false,
      decodeStrings: false,
      validateEntrySizes: false,
    })
    zip.on('error', () => {})
    for await (const entry of allEntries(zip, judge)) {
      for (const name of await judged(zip, entry, judge)) yield { name, bytes: () => opened(zip, entry) }
    }
  } finally {
    zip?.close()
    await handle.close()
  }
}

function opened(zip: ZipFile | undefined, entry: Entry): Promise<Readable> {
  return zip ? zip.openReadStreamPromise(entry) : Promise.reject(new Error('closed'))
}

/** Some readers go by the number of entries, others by the length of the directory: those behind the number count too. */
async function* allEntries(zip: ZipFile, judge: ArchiveJudge): AsyncGenerator<Entry> {
  const declared = zip.entryCount
  zip.entryCount = Number.POSITIVE_INFINITY
  let count = 0
  try {
    for await (const entry of zip.eachEntry()) {
      count += 1
      if (count > maxEntries)
        return judge.doubt(`It holds more than ${maxEntries} entries; the rest was not looked at.`)
      yield entry
    }
  } catch (error) {
    const ended = error instanceof Error && /central directory file header signature|EOF/.test(error.message)
    if (!ended || count < declared) throw error
  }
  if (count !== declared) judge.doubt(`It says that it holds ${declared} entries and holds ${count}.`)
}

/** An entry has up to three names, and readers differ in which one they take. */
async function judged(zip: ZipFile, entry: Entry, judge: ArchiveJudge): Promise<Set<string>> {
  const raw = entry.fileNameRaw
  const unicode = getFileNameLowLevel(entry.generalPurposeBitFlag, raw, entry.extraFields, true)
  const names = new Set([raw.toString('utf8'), ...(/[^ -~]/.test(raw.toString('latin1')) ? [] : [unicode])])
  if (entry.extraFields.some(({ id }) => id === 0x7075)) names.add(unicode)
  try {
    const { fileName } = await zip.readLocalFileHeaderPromise(entry)
    const local = fileName.toString('utf8')
    if (!names.has(local)) judge.doubt('The directory calls an entry differently than the entry itself.')
    names.add(local)
  } catch {
    judge.doubt('The directory names an entry that is not where it says.')
  }
  const link = ((entry.externalFileAttributes >>> 16) & 0xf000) === 0xa000 ? '?' : undefined
  judge.entry({ names: [...names], size: entry.uncompressedSize, packed: entry.compressedSize, link })
  return names
}
