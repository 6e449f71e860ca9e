import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { hasCode, invalidInput, notFound } from '../errors.ts'
import type { Blob, Digest } from './digest.ts'
import { writeHashed } from './hashed-file.ts'

/** Every part but the last of an upload has this size by default: large enough for few, small enough to send again. */
export const partBytes = 64 * 1024 * 1024
export const maximumParts = 10_000

export type Part = { number: number; size: number; etag: string }

/** Uploads in parts: any order, any number of tries, seen by nobody until they are complete. */
export type Drafts = {
  begin(): Promise<string>
  /** Sending a part again replaces it. */
  putPart(draft: string, number: number, bytes: Readable): Promise<Part>
  /** What has arrived, by number. */
  parts(draft: string): Promise<Part[]>
  /** Joins the parts in the order of their numbers; an `etag` that is given must be that of the part that is there. */
  complete(draft: string, wanted: { number: number; etag?: string | undefined }[], expected?: Digest): Promise<Blob>
  abort(draft: string): Promise<void>
  /** A link to which one part may be sent without other credentials; undefined when the server has to take it. */
  partUrl?(draft: string, number: number, seconds: number): Promise<string>
}

export function diskDrafts(root: string, put: (bytes: Readable, expected?: Digest) => Promise<Blob>): Drafts {
  function folderOf(draft: string): string {
    if (!/^[0-9a-f-]{36}$/.test(draft)) throw notFound('Upload', draft)
    return join(root, draft)
  }

  async function files(draft: string): Promise<string[]> {
    try {
      return await readdir(folderOf(draft))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) throw notFound('Upload', draft)
      throw error
    }
  }

  async function parts(draft: string): Promise<(Part & { path: string })[]> {
    const found: (Part & { path: string })[] = []
    for (const name of await files(draft)) {
      const match = /^(\d+)\.([0-9a-f]{64})$/.exec(name)
      if (!match) continue
      const path = join(folderOf(draft), name)
      found.push({ number: Number(match[1]), etag: match[2] ?? '', size: (await stat(path)).size, path })
    }
    return found.sort((a, b) => a.number - b.number)
  }

  return {
    async begin() {
      const draft = randomUUID()
      await mkdir(folderOf(draft), { recursive: true })
      return draft
    },
    async putPart(draft, number, bytes) {
      await files(draft)
      const incoming = join(folderOf(draft), `${randomUUID()}.incoming`)
      try {
        const { digest, size } = await writeHashed(incoming, bytes)
        const etag = digest.slice('sha256:'.length)
        await rename(incoming, join(folderOf(draft), `${number}.${etag}`))
        for (const part of await parts(draft)) if (part.number === number && part.etag !== etag) await rm(part.path)
        return { number, size, etag }
      } finally {
        await rm(incoming, { force: true })
      }
    },
    parts: async (draft) => (await parts(draft)).map(({ number, size, etag }) => ({ number, size, etag })),
    async complete(draft, wanted, expected) {
      const chosen = choose(await parts(draft), wanted)
      const blob = await put(Readable.from(inTurn(chosen.map(({ path }) => path))), expected)
      await rm(folderOf(draft), { recursive: true, force: true })
      return blob
    },
    abort: (draft) => rm(folderOf(draft), { recursive: true, force: true }),
  }
}

async function* inTurn(paths: string[]): AsyncGenerator<Buffer> {
  for (const path of paths) yield* createReadStream(path)
}

/** The parts to join, in order; refuses one that did not arrive or is not the one that is meant. */
export function choose<P extends Part>(there: P[], wanted: { number: number; etag?: string | undefined }[]): P[] {
  const numbers = new Set(wanted.map(({ number }) => number))
  if (numbers.size !== wanted.length || wanted.length === 0)
    throw invalidInput('The parts of an upload are named once each, and there is at least one.', { name: 'parts' })
  return [...wanted]
    .sort((a, b) => a.number - b.number)
    .map(({ number, etag }) => {
      const part = there.find((one) => one.number === number)
      if (!part) throw invalidInput(`Part ${number} has not arrived.`, { name: String(number) })
      if (etag !== undefined && bare(etag) !== bare(part.etag))
        throw invalidInput(`Part ${number} is not the one that is meant.`, { name: String(number) })
      return part
    })
}

function bare(etag: string): string {
  return etag.replace(/^(W\/)?"|"$/g, '')
}
