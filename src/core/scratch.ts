import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from './context.ts'

const pathOf = (folder: string) => join(folder, 'tmp')

/** Deletes what a server that was killed left of its work. The folder belongs to one process, which has just begun. */
export function emptyScratch(folder: string): void {
  rmSync(pathOf(folder), { recursive: true, force: true })
  mkdirSync(pathOf(folder), { recursive: true })
}

/** Where a file or folder may stand while it is worked with; whoever makes it deletes it. */
export function scratchPath(ctx: Context, ending = ''): string {
  return join(pathOf(ctx.folder), `${randomUUID()}${ending}`)
}
