import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'
import { AppError, invalidInput } from '../errors.ts'
import { unfitText } from './unicode.ts'

export type TextFile = { path: string; shown: string; encoding?: string | undefined }

/** The text of a file, gunzipped where its name says so, in chunks; a byte-order mark is dropped. */
export async function* readText({ path, shown, encoding }: TextFile): AsyncGenerator<string> {
  const decoder = decoderOf(encoding ?? (await markedEncoding(path, shown)) ?? 'utf-8')
  let line = 1
  for await (const bytes of await bytesOf(path, shown)) {
    const text = decode(decoder, bytes as Buffer, { shown, line })
    const unfit = unfitText(text)
    if (unfit !== undefined)
      throw new AppError('invalid_file', `${shown} ${unfit}.`, { name: shown, hint: 'Remove it, then try again.' })
    line += countLines(text)
    yield text
  }
  const rest = decode(decoder, undefined, { shown, line })
  if (rest !== '') yield rest
}

/** What is often named like a text and is none, by its first bytes. */
const forms = [
  { begins: 'PK\x03\x04', what: 'a ZIP archive, as Excel writes', hint: 'Save the sheet as "CSV UTF-8".' },
  { begins: 'PAR1', what: 'Parquet', hint: 'Name it .parquet.' },
  { begins: '\x1f\x8b', what: 'gzipped', hint: 'Let its name end with .gz.' },
]

/** UTF-16 says so by its mark, and nothing else begins with these bytes. */
async function markedEncoding(path: string, shown: string): Promise<string | undefined> {
  if (path.endsWith('.gz')) return undefined
  const file = await open(path).catch(() => undefined)
  if (!file) return undefined
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    const form = forms.find(({ begins }) => buffer.toString('latin1').startsWith(begins))
    if (form !== undefined)
      throw new AppError('invalid_file', `${shown} is no text: it is ${form.what}.`, { name: shown, hint: form.hint })
    if (buffer[0] === 0xff && buffer[1] === 0xfe) return 'utf-16le'
    return buffer[0] === 0xfe && buffer[1] === 0xff ? 'utf-16be' : undefined
  } finally {
    await file.close()
  }
}

function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true })
  } catch {
    throw invalidInput(`"${encoding}" is not an encoding that can be read.`, {
      name: encoding,
      hint: 'Such as utf-8, windows-1252, iso-8859-1, utf-16le or shift_jis.',
    })
  }
}

function decode(
  decoder: TextDecoder,
  bytes: Buffer | undefined,
  { shown, line }: { shown: string; line: number },
): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
  } catch {
    throw new AppError(
      'invalid_file',
      `${shown} is not ${decoder.encoding.toUpperCase()} from about line ${line + goodLines(bytes)} on.`,
      {
        name: shown,
        hint: 'Name its encoding, for example --encoding windows-1252, or save it as UTF-8.',
      },
    )
  }
}

function goodLines(bytes: Buffer | undefined): number {
  if (bytes === undefined) return 0
  const text = new TextDecoder('utf-8').decode(bytes)
  return countLines(text.slice(0, Math.max(0, text.indexOf('\uFFFD'))))
}

function countLines(text: string): number {
  return text.split('\n').length - 1
}

async function bytesOf(path: string, shown: string): Promise<AsyncIterable<unknown>> {
  const file = await open(path).catch((cause: unknown) => {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const message = missing ? `The file ${shown} does not exist.` : `The file ${shown} cannot be read.`
    throw new AppError('invalid_file', message, { name: shown, cause })
  })
  await file.close()
  return path.endsWith('.gz') ? unpacked(path, shown) : createReadStream(path)
}

async function* unpacked(path: string, shown: string): AsyncGenerator<Buffer> {
  const stream = createGunzip()
  // An error of either side ends the stream, and so reaches the loop below.
  pipeline(createReadStream(path), stream, () => undefined)
  try {
    for await (const bytes of stream) yield bytes as Buffer
  } catch (cause) {
    throw new AppError('invalid_file', `${shown} cannot be unpacked: it is not whole, or not gzip.`, {
      name: shown,
      cause,
    })
  }
}
