import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BytesReply } from '../core/contract.ts'

type Range = { start: number; end: number }

/** Sends bytes whole, or the one range that was asked for; what has not changed since the caller's copy is not sent. */
export async function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  bytes: BytesReply,
): Promise<FastifyReply> {
  const { stream, size, contentType, filename, etag } = bytes
  reply.header('x-content-type-options', 'nosniff').header('content-security-policy', "sandbox; default-src 'none'")
  if (filename !== undefined) reply.header('content-disposition', attachment(filename))
  if (etag !== undefined) reply.header('etag', `"${etag}"`)
  if (typeof stream !== 'function' || size === undefined) {
    if (size !== undefined) reply.header('content-length', size)
    return reply.type(contentType).send(typeof stream === 'function' ? await stream() : stream)
  }
  reply.header('accept-ranges', 'bytes')
  if (etag !== undefined && request.headers['if-none-match'] === `"${etag}"`) return reply.code(304).send()
  const range = rangeOf(request, size, etag)
  if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${size}`).send()
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`)
  reply.header('content-length', range ? range.end - range.start + 1 : size).type(contentType)
  return reply.send(request.method === 'HEAD' ? Readable.from([]) : await stream(range))
}

/** A name for the browser's file dialog, in ASCII and in full. */
function attachment(filename: string): string {
  const plain = filename.replaceAll(/[^\w.\- ]/g, '_')
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(filename)}`
}

/** One range of bytes; several at once, other units and a changed `If-Range` mean the whole (RFC 9110, 14.2). */
function rangeOf(request: FastifyRequest, size: number, etag: string | undefined): Range | 'unsatisfiable' | undefined {
  const condition = request.headers['if-range']
  if (condition !== undefined && (etag === undefined || condition !== `"${etag}"`)) return undefined
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const [from, to] = [match[1] ?? '', match[2] ?? '']
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  return start > end || start >= size ? 'unsatisfiable' : { start, end }
}
