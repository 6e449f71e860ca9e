import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { finished } from 'node:stream/promises'

/** Where the output of a command goes; `take` says false when it is more than may come. */
export type Output = {
  take(chunk: Buffer, from: 'stdout' | 'stderr'): boolean
  end(): Promise<string>
}

/** The last characters of whatever it writes. */
export function tail(characters: number) {
  let kept = ''
  const text = () => kept.trim()
  return {
    take(chunk: Buffer) {
      kept = `${kept}${chunk.toString('utf8')}`.slice(-characters)
      return true
    },
    end: async () => text(),
    text,
  } satisfies Output & { text(): string }
}

/** All that it writes to its standard output; more than this ends it. */
export function cappedText(bytes: number): Output {
  const chunks: Buffer[] = []
  let size = 0
  return {
    take(chunk, from) {
      if (from === 'stderr') return true
      size += chunk.length
      if (size <= bytes) chunks.push(chunk)
      return size <= bytes
    },
    end: async () => Buffer.concat(chunks).toString('utf8'),
  }
}

/** Whatever it writes is appended to a file; what is more than this is counted there and dropped. */
export function cappedFile(path: string, bytes: number): Output {
  mkdirSync(dirname(path), { recursive: true })
  const file = createWriteStream(path, { flags: 'a' })
  let written = 0
  return {
    take(chunk) {
      if (written < bytes) file.write(chunk.subarray(0, bytes - written))
      written += chunk.length
      return true
    },
    async end() {
      file.end(written > bytes ? `\n[${written - bytes} more bytes were cut]\n` : '')
      await finished(file)
      return ''
    },
  }
}
