import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inPackage } from '../../package-folder.ts'

/** What a project may begin with: a folder each of `templates/`, whose files can be planned as they are. */
export const templateNames = ['sklearn', 'mlflow', 'llm-prompt', 'monitor-only'] as const
export type TemplateName = (typeof templateNames)[number]

/** Its files by their paths, under the name of the project. */
export function filesOfTemplate(template: TemplateName, project: string): Record<string, string> {
  const folder = inPackage(`templates/${template}`)
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
  return Object.fromEntries(
    paths.sort().map((path) => {
      const text = readFileSync(join(folder, path), 'utf8')
      return [path, path === 'keel.yaml' ? text.replace(/^project: .*$/m, `project: ${project}`) : text]
    }),
  )
}

/** What editors read the shape of the file from, once a server runs. */
const modeline = '# yaml-language-server: $schema=http://127.0.0.1:5335/schemas/keel.json\n'

/** The least `keel.yaml`, of a project that is called like its folder. */
export function projectFile(folder: string): string {
  return `${modeline}project: ${projectName(folder)}\nowner: you@team.example\n`
}

export function projectName(folder: string): string {
  const name = folder.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return name === '' ? 'project' : name
}
