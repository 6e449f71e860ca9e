import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError, hasCode } from './errors.ts'

/** `passing`: a command, which lets go of the folder when it is done. `key`: who may read this is let in by it. */
export type Owner = { pid: number; url: string; passing?: boolean; key?: string }

export type FolderLock = {
  /** Tells other processes where the owner listens. */
  announce(owner: Omit<Owner, 'pid'>): void
  release(): void
}

/**
 * One owner per data folder. The lock is SQLite's own lock on a file of its own: the operating system lets go of it
 * when the process ends, however it ends, so there is nothing stale to clean up.
 */
export function lockFolder(folder: string): FolderLock {
  makeFolder(folder)
  const ownerFile = join(folder, 'server.json')
  const lock = new DatabaseSync(join(folder, 'lock'))
  try {
    lock.exec('pragma locking_mode = exclusive; begin exclusive')
  } catch (cause) {
    lock.close()
    if (!isBusy(cause)) throw cause
    const owner = readOwner(folder)
    const who = owner ? `the process ${owner.pid} at ${owner.url}` : 'another process'
    throw new AppError('data_folder_in_use', `The data folder "${folder}" belongs to ${who}.`, {
      name: folder,
      hint: 'Stop that server, or choose another folder with --data.',
      cause,
    })
  }
  return {
    announce(owner) {
      // A file that a killed server left keeps its old rights when it is written again.
      rmSync(ownerFile, { force: true })
      const text = JSON.stringify({ pid: process.pid, ...owner } satisfies Owner)
      writeFileSync(ownerFile, `${text}\n`, { mode: 0o600 })
    },
    release() {
      rmSync(ownerFile, { force: true })
      lock.close()
    },
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw new AppError('storage_read_only', `The data folder "${folder}" cannot be written.`, {
      name: folder,
      hint: 'Choose a folder you can write with --data.',
      cause,
    })
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}

/** Who announced itself in this folder last; it may have died since. */
export function readOwner(folder: string): Owner | undefined {
  let text: string
  try {
    text = readFileSync(join(folder, 'server.json'), 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
  try {
    const owner: unknown = JSON.parse(text)
    return isOwner(owner) ? owner : undefined
  } catch {
    return undefined
  }
}

/** By hand: every command reads this file, and a library of shapes would cost more than the command itself. */
function isOwner(value: unknown): value is Owner {
  if (typeof value !== 'object' || value === null) return false
  return 'pid' in value && Number.isInteger(value.pid) && 'url' in value && typeof value.url === 'string'
}
