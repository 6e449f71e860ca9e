import { openAsBlob } from 'node:fs'
import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { AppError } from '../../core/errors.ts'
import type { Session } from '../kit/kit.ts'

type Stored = { digest: string; size: number }

/**
 * Sends a file: a small one at once, a large one in parts of which none is held in memory. With `resume` only the parts
 * that have not arrived are sent.
 */
export async function uploadFile(
  session: Session,
  client: Client<Api>,
  path: string,
  resume: string | undefined,
): Promise<Stored> {
  const file = await openAsBlob(path).catch((cause: unknown) => {
    throw new AppError('invalid_file', `The file "${path}" cannot be read.`, { name: path, cause })
  })
  const { upload, partBytes, parts, digest } = resume
    ? await client.artifacts.getUpload({ upload: resume })
    : await client.artifacts.startUpload({})
  if (digest !== null) return client.artifacts.completeUpload({ upload })
  if (!resume && file.size > partBytes) session.say(`If it stops: keel artifacts put ${path} --resume ${upload}`)
  const count = Math.max(1, Math.ceil(file.size / partBytes))
  const progress = session.progress('Sending')
  try {
    for (let number = 1; number <= count; number++) {
      const bytes = file.slice((number - 1) * partBytes, number * partBytes)
      const there = parts.some((part) => part.number === number && part.size === bytes.size)
      if (!there) await client.artifacts.putPart({ upload, number }, bytes)
      progress.update(number, count, 'parts')
    }
  } finally {
    progress.end()
  }
  return client.artifacts.completeUpload({ upload })
}
