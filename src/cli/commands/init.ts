import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { conflict } from '../../core/errors.ts'
import { filesOfTemplate, projectFile, projectName, templateNames } from '../files/template.ts'
import { defineCommand, oneOf } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Start a project in this folder: keel.yaml and an empty place for each kind of file, or a template',
  options: { template: oneOf(templateNames, 'a small project to begin with, whose files can be planned as they are') },
  examples: ['keel init', 'keel init --template sklearn'],
  anywhere: true,
  async run({ io }, { options: { template } }) {
    const root = io.cwd
    const name = projectName(basename(root))
    const files = { ...(template ? filesOfTemplate(template, name) : emptyProject(root)), ...ignored(root) }
    refuseExisting(root, Object.keys(files))
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content, { flag: path === '.gitignore' ? 'a' : 'wx' })
    }
    const start = template ? 'README.md says what comes next' : 'keel demo   # see a whole project at work'
    return {
      data: { root, files: Object.keys(files) },
      text: Object.keys(files).join('\n'),
      next: [start, 'keel up', 'keel plan'],
    }
  },
})

/** Nothing is written where something would be lost, or half of it would be somebody else's. */
function refuseExisting(root: string, paths: string[]): void {
  const found = ['keel.yaml', ...paths].find((path) => path !== '.gitignore' && existsSync(join(root, path)))
  if (found === undefined) return
  throw conflict(`There is a "${found}" here already.`, {
    name: found,
    hint: found === 'keel.yaml' ? 'Change it, then run "keel plan".' : 'Run "keel init" in an empty folder.',
  })
}

function emptyProject(root: string): Record<string, string> {
  return {
    'keel.yaml': projectFile(basename(root)),
    'sources/README.md': 'One YAML file for each origin of data: owner, licence, expectations, who vetted it.\n',
    'features/README.md': 'Entities, views and services: one definition for training sets and for serving.\n',
    'models/README.md': 'One YAML file for each model: purpose, success criteria, delivery, rollback plan, owner.\n',
    'pipelines/README.md': 'Steps: any command in any language.\n',
    'golden/README.md': 'Golden sets (csv or jsonl), named in keel.yaml under "golden".\n',
  }
}

function ignored(root: string): Record<string, string> {
  return hasLine(join(root, '.gitignore'), '.keel/') ? {} : { '.gitignore': '.keel/\n' }
}

function hasLine(path: string, line: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8').split('\n').includes(line)
}
