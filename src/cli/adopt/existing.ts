import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** Which model each file of `models/` is of; a file that cannot be read is nobody's, and never written over. */
export function specsHere(root: string): Map<string, string> {
  const folder = join(root, 'models')
  if (!existsSync(folder)) return new Map()
  const files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))
  return new Map(
    files.flatMap((file): [string, string][] => {
      const model = modelOf(join(folder, file))
      return model === undefined ? [] : [[model, `models/${file}`]]
    }),
  )
}

function modelOf(path: string): string | undefined {
  try {
    const found: unknown = parse(readFileSync(path, 'utf8'))
    return typeof found === 'object' && found !== null && 'model' in found ? String(found.model) : undefined
  } catch {
    // "keel plan" says what is wrong with it.
    return undefined
  }
}
