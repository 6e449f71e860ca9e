import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const block = 1024 * 1024

/** Bytes that never repeat a block, made as they are read. */
function* blocks(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index++) {
    const bytes = Buffer.alloc(block, index % 251)
    bytes.writeUInt32LE(index)
    yield bytes
  }
}

/** Sends a file of so many MiB by PUT and reads it back by GET, holding one block at a time; returns both digests. */
export async function throughAndBack(url: string, mebibytes: number): Promise<{ sent: string; received: string }> {
  const sent = createHash('sha256')
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const upload = request(url, { method: 'PUT', headers: { 'content-length': mebibytes * block } }, (reply) => {
    reply.resume().once('end', () => resolve(reply.statusCode ?? 0))
  }).once('error', reject)
  const hashing = async function* (source: AsyncIterable<Buffer>) {
    for await (const bytes of source) {
      sent.update(bytes)
      yield bytes
    }
  }
  await pipeline(Readable.from(blocks(mebibytes)), hashing, upload)
  const status = await promise
  if (status !== 200) throw new Error(`The upload answered ${status}.`)
  const received = createHash('sha256')
  const { body } = await fetch(url)
  if (!body) throw new Error('The download has no body.')
  for await (const bytes of body) received.update(bytes)
  return { sent: sent.digest('hex'), received: received.digest('hex') }
}

/** Resident memory of a process in MiB: now, and at its highest so far. Linux only; undefined elsewhere. */
export function memoryOf(pid: number): { now: number; peak: number } | undefined {
  if (process.platform !== 'linux') return undefined
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
  return { now: read('VmRSS'), peak: read('VmHWM') }
}
