import type { Static } from 'typebox'
import { digestOfJson } from '../../core/canonical.ts'
import { invalidInput } from '../../core/errors.ts'
import type { ArtifactFile } from './contract.ts'

type File = Static<typeof ArtifactFile>

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const control = /[\u0000-\u001f\u007f\\]/

/** A path inside an artifact is relative, has forward slashes and never leads out of it. */
export function checkPath(path: string): void {
  const parts = path.split('/')
  const leadsOut =
    path.startsWith('/') ||
    /^[A-Za-z]:/.test(path) ||
    parts.some((part) => part === '' || part === '.' || part === '..')
  if (leadsOut || control.test(path)) {
    throw invalidInput(`The path "${path}" is not a relative path inside an artifact.`, { name: path })
  }
}

/** The manifest in its one order, and its digest. The same files give the same name. */
export function manifest(files: readonly File[]): { files: File[]; size: number; digest: string } {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  for (const [index, file] of sorted.entries()) {
    checkPath(file.path)
    if (sorted[index + 1]?.path === file.path)
      throw invalidInput(`The path "${file.path}" is there twice.`, { name: file.path })
  }
  return { files: sorted, size: sorted.reduce((sum, file) => sum + file.size, 0), digest: digestOfJson(sorted) }
}
