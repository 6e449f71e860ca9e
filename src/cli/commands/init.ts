import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { conflict } from '../../core/errors.ts'
import type { Command } from '../kit/kit.ts'

/** What editors read the shape of the file from, once a server runs. */
const modeline = '# yaml-language-server: $schema=http://127.0.0.1:5335/schemas/keel.json\n'

export const command: Command = {
  summary: 'Start a project in this folder: keel.yaml and an empty place for each kind of file',
  anywhere: true,
  async run({ io }) {
    const root = io.cwd
    if (existsSync(join(root, 'keel.yaml'))) {
      throw conflict('There is a "keel.yaml" here already.', {
        name: 'keel.yaml',
        hint: 'Change it, then run "keel plan".',
      })
    }
    const files = filesFor(projectName(root))
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content, { flag: path === '.gitignore' ? 'a' : 'wx' })
    }
    return {
      data: { root, files: Object.keys(files) },
      text: Object.keys(files).join('\n'),
      next: ['keel demo   # see a whole project at work', 'keel up', 'keel plan'],
    }
  },
}

function projectName(root: string): string {
  const name = basename(root)
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
  return name === '' ? 'project' : name
}

function filesFor(name: string): Record<string, string> {
  const ignored = '.keel/\n'
  return {
    'keel.yaml': `${modeline}project: ${name}\nowner: you@team.example\n`,
    'sources/README.md': 'One YAML file for each origin of data: owner, licence, expectations, who vetted it.\n',
    'features/README.md': 'Entities, views and services: one definition for training sets and for serving.\n',
    'models/README.md': 'One YAML file for each model: purpose, success criteria, delivery, rollback plan, owner.\n',
    'pipelines/README.md': 'Steps: any command in any language.\n',
    'golden/README.md': 'Golden sets (csv or jsonl), named in keel.yaml under "golden".\n',
    ...(hasLine('.gitignore', '.keel/') ? {} : { '.gitignore': ignored }),
  }
}

function hasLine(path: string, line: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8').split('\n').includes(line)
}
