import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = folderWith('package.json', import.meta.dirname)

/** A path inside the package, wherever this code lies in it: in `src/` of a clone, or in one of the few files of `dist/`. */
export function inPackage(path: string): string {
  return join(root, path)
}

function folderWith(name: string, folder: string): string {
  if (existsSync(join(folder, name)) || folder === dirname(folder)) return folder
  return folderWith(name, dirname(folder))
}
