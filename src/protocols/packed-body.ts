import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { AppError, hasCode, invalidInput } from '../core/errors.ts'

/** A small bomb must not fill the memory. */
const maxUnpacked = 64 * 1024 * 1024

type Unpack = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const unpackers: Record<string, Unpack> = {
  gzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress),
}

/** The bytes that a body with this `content-encoding` stands for. */
export async function unpack(body: Buffer, encoding = ''): Promise<Buffer> {
  const name = encoding.trim().toLowerCase()
  if (name === '' || name === 'identity') return body
  const unpacker = Object.hasOwn(unpackers, name) ? unpackers[name] : undefined
  if (!unpacker)
    throw invalidInput(`"${name}" is not a supported content encoding.`, { name, hint: 'Use gzip or deflate.' })
  try {
    return await unpacker(body, { maxOutputLength: maxUnpacked })
  } catch (cause) {
    const large = cause instanceof RangeError || hasCode(cause, 'ERR_BUFFER_TOO_LARGE')
    if (large) throw new AppError('too_large', `Unpacked, the body is larger than ${maxUnpacked} bytes.`)
    throw invalidInput(`The body is not ${name}.`, { name: 'content-encoding' })
  }
}
