import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { AppError } from '../../core/errors.ts'
import { partBytes } from '../../core/storage/storage.ts'
import type { Session } from '../kit/kit.ts'
import { uploadFile } from './upload.ts'

type Artifact = Awaited<ReturnType<Client<Api>['artifacts']['create']>>

type Place = { place: string; shown: string; resume?: string | undefined }

/** A file, or every file of a folder by its path in it, as one immutable artifact. */
export async function putArtifact(session: Session, { place, shown, resume }: Place): Promise<Artifact> {
  const client = await session.client()
  const files = []
  for (const { path, full } of await filesAt(place, shown)) {
    if (resume !== undefined || statSync(full).size > partBytes) {
      files.push({ path, ...(await uploadFile(session, client, full, resume)) })
      continue
    }
    const stream = Readable.toWeb(createReadStream(full)) as ReadableStream
    files.push({ path, ...(await client.artifacts.putBlob({}, stream)) })
  }
  return client.artifacts.create({ files })
}

async function filesAt(place: string, shown: string): Promise<{ path: string; full: string }[]> {
  const stat = statSync(place, { throwIfNoEntry: false })
  if (!stat) throw new AppError('invalid_file', `"${shown}" does not exist.`, { name: shown })
  if (stat.isFile()) return [{ path: basename(place), full: place }]
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((full) => ({ path: relative(place, full).split(sep).join('/'), full }))
  if (files.length === 0) throw new AppError('invalid_file', `There is no file in "${shown}".`, { name: shown })
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Writes every file of an artifact below a folder; the server's paths are relative and stay inside it. */
export async function getArtifact(client: Client<Api>, digest: string, folder: string): Promise<string[]> {
  const { files } = await client.artifacts.get({ digest })
  const written: string[] = []
  for (const file of files) {
    const full = resolve(folder, file.path)
    if (!full.startsWith(resolve(folder) + sep))
      throw new AppError('invalid_file', `"${file.path}" leads out of the folder.`, { name: file.path })
    await mkdir(dirname(full), { recursive: true })
    const response = await client.artifacts.getBlob({ digest: file.digest })
    if (!response.body) throw new AppError('invalid_file', `"${file.path}" has no bytes.`, { name: file.path })
    await pipeline(Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(full))
    written.push(file.path)
  }
  return written
}
