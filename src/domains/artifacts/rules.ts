import type { Static } from 'typebox'
import { invalidInput } from '../../core/errors.ts'
import { digestOfJson } from '../../core/json/json.ts'
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

/** The folders that a path lies in, outermost first: `a/b/c` is in `a` and `a/b`. */
export function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** The manifest in its one order, and its digest. The same files give the same name. */
export function manifest(files: readonly File[]): { files: File[]; size: number; digest: string } {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  const paths = new Set<string>()
  for (const { path } of sorted) {
    checkPath(path)
    if (paths.has(path)) throw invalidInput(`The path "${path}" is listed twice.`, { name: path })
    paths.add(path)
  }
  for (const { path } of sorted) {
    const file = foldersOf(path).find((folder) => paths.has(folder))
    if (file !== undefined) throw invalidInput(`"${file}" is a file and a folder at once.`, { name: file })
  }
  return { files: sorted, size: sorted.reduce((sum, file) => sum + file.size, 0), digest: digestOfJson(sorted) }
}
