import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Where `keel demo` puts its copy of the flights project. */
export const demoFolder = 'keel-demo'

/** The folder of the nearest keel.yaml, upwards; without one, the demo's folder if it is here. */
export function findProject(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'keel.yaml'))) return folder
    if (folder === dirname(folder)) break
  }
  const demo = join(resolve(cwd), demoFolder)
  return existsSync(join(demo, 'keel.yaml')) ? demo : undefined
}
