import { createReadStream, existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SourceFile } from '../source.ts'

/** Only places on this machine are read; a link in them is not followed. */
export async function localFiles(location: string, folder: string, proxied: string): Promise<SourceFile[] | undefined> {
  const place = localPlace(location, folder, proxied)
  if (place === undefined) return undefined
  if (!existsSync(place)) return []
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const full = join(entry.parentPath, entry.name)
      return {
        path: relative(place, full).split(sep).join('/'),
        size: statSync(full).size,
        open: async () => createReadStream(full),
      }
    })
}

function localPlace(location: string, folder: string, proxied: string): string | undefined {
  const kept = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(location)?.[1]
  if (kept !== undefined) {
    const place = resolve(proxied, kept)
    return place.startsWith(resolve(proxied) + sep) ? place : undefined
  }
  if (location.startsWith('file:')) return fileURLToPath(location.replace(/^file:(?!\/\/)/, 'file://'))
  return /^[a-z][a-z0-9+.-]+:/i.test(location) ? undefined : resolve(folder, location)
}
