import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { glob, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { invalidInput } from '../../core/errors.ts'
import { digestOfJson } from '../../core/json/json.ts'

/** Without a declaration a step depends on all of the project's files that are not data. */
const everything = ['**/*']
const neverCode = new Set(['node_modules', 'data', 'golden'])

/** One digest over paths and contents of the files that match, in the order of their paths. */
export async function codeDigest(root: string, patterns: string[] = everything): Promise<string> {
  const paths: string[] = []
  for await (const path of glob(patterns, { cwd: root, exclude: (entry) => isExcluded(String(entry)) })) {
    if (path.split('/').includes('..'))
      throw invalidInput(`The code pattern leads out of the project: "${path}".`, { name: path })
    if ((await stat(join(root, path))).isFile()) paths.push(path)
  }
  const files = []
  for (const path of paths.sort()) files.push([path, await hashFile(join(root, path))])
  return digestOfJson(files)
}

function isExcluded(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.') || neverCode.has(part))
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
