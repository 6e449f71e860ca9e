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
