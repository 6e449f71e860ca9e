import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasCode } from '../../src/core/errors.ts'

/**
 * Follows a guide as its reader would. Its blocks are taken in order, in one folder and one shell:
 * - `sh`: each command is typed and must end well, or with the `# exit code 3` that stands behind it; `keel up` goes on beside it;
 * - a block with `title="path"` is a file that is written there;
 * - `text shown`: each line of it was printed by the commands before it (`…` stands for anything);
 * - a block after `<!-- not run: reason -->` is left alone, and so is any other language.
 */
export type Step =
  | { kind: 'file'; path: string; text: string }
  | { kind: 'command'; text: string; code: number }
  | { kind: 'shown'; lines: string[] }

export const root = fileURLToPath(new URL('../..', import.meta.url))
const usual = '127.0.0.1:5335'

export function stepsOf(markdown: string): Step[] {
  const blocks = markdown.matchAll(/(<!-- not run: [^>]+-->\s*)?^```([^\n]*)\n([\s\S]*?)^```$/gm)
  return [...blocks].flatMap(([, skipped, info = '', body = '']): Step[] => {
    if (skipped !== undefined) return []
    const path = /title="([^"]+)"/.exec(info)?.[1]
    if (path !== undefined) return [{ kind: 'file', path, text: body }]
    if (info === 'text shown') return [{ kind: 'shown', lines: body.split('\n').filter((line) => line.trim() !== '') }]
    return info === 'sh' ? commandsOf(body) : []
  })
}

/** A command goes on where a line ends in `\` or within quotes. */
function commandsOf(body: string): Step[] {
  const found: Step[] = []
  let command = ''
  for (const line of body.split('\n')) {
    command += command === '' ? line : `\n${line}`
    const open = line.endsWith('\\') || /['"]/.test(leftOpen(command))
    if (open || command.trim() === '') continue
    const code = Number(/# exit code (\d+)/.exec(line)?.[1] ?? 0)
    if (!/^\s*#/.test(command)) found.push({ kind: 'command', text: command, code })
    command = ''
  }
  assert.equal(command.trim(), '', 'a command that does not end')
  return found
}

/** What is left of a command without its comments and its closed quotes. */
function leftOpen(command: string): string {
  return command.replaceAll(/'[^']*'|"(?:[^"\\]|\\[\s\S])*"|(?:^|\s)#.*$/gm, ' ')
}

type Where = { cwd: string; name: string; python?: string | undefined }

/** What it said at the end. Throws, with the command and what it printed, where a step is not as the guide says. */
export async function follow(steps: Step[], { cwd, name, python }: Where): Promise<void> {
  const shell = openShell(cwd, python)
  let address = usual
  let said = ''
  try {
    for (const step of steps) {
      if (step.kind === 'file') {
        mkdirSync(dirname(join(cwd, step.path)), { recursive: true })
        writeFileSync(join(cwd, step.path), step.text.replaceAll(usual, address))
        continue
      }
      if (step.kind === 'shown') {
        for (const line of step.lines) assert.match(said, patternOf(line), `${name}: not shown, but\n${said}`)
        continue
      }
      if (/^keel up\b/.test(step.text)) {
        address = await shell.up(step.text)
        said = ''
        continue
      }
      const { code, printed } = await shell.type(step.text.replaceAll(usual, address))
      said += printed
      assert.equal(code, step.code, `${name}: ${step.text}\n${printed.slice(-3000)}`)
    }
  } finally {
    await shell.close()
  }
}

/** As a person compares: blanks are blanks, and what was left out may be anything. */
function patternOf(line: string): RegExp {
  const parts = line
    .trim()
    .split('…')
    .map((part) =>
      part
        .trim()
        .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll(/ +/g, '\\s+'),
    )
  return new RegExp(parts.join('.*'))
}

function openShell(cwd: string, python: string | undefined) {
  const bin = join(cwd, '.bin')
  mkdirSync(bin, { recursive: true })
  const launcher = join(bin, 'keel')
  writeFileSync(launcher, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin', 'keel.js')}" "$@"\n`)
  chmodSync(launcher, 0o755)
  const { PATH = '', HOME = '' } = process.env
  const env = {
    PATH: [bin, ...(python === undefined ? [] : [dirname(python)]), PATH].join(delimiter),
    HOME,
    NO_COLOR: '1',
    PYTHONPATH: join(root, 'clients', 'python'),
    PYTHONDONTWRITEBYTECODE: '1',
  }
  // A process group of its own, so that what a guide left running ends with it.
  const shell = spawn('/bin/sh', [], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const ended = new Promise((resolve) => shell.once('close', resolve))
  const servers: ChildProcess[] = []
  let printed = ''
  let heard = () => {}
  for (const stream of [shell.stdout, shell.stderr])
    stream.on('data', (chunk) => {
      printed += chunk
      heard()
    })
  shell.once('close', () => heard())

  return {
    type(command: string): Promise<{ code: number; printed: string }> {
      const mark = `ended-${Math.random().toString(36).slice(2)}`
      printed = ''
      shell.stdin.write(`{ ${command}\n} </dev/null 2>&1\nprintf '\\n%s %s\\n' ${mark} "$?"\n`)
      return new Promise((resolve, reject) => {
        heard = () => {
          const end = new RegExp(`\\n${mark} (\\d+)\\n`).exec(printed)
          if (end) resolve({ code: Number(end[1]), printed: printed.slice(0, end.index) })
          else if (shell.exitCode !== null) reject(new Error(`The shell ended with "${command}": ${printed}`))
        }
      })
    },
    /** The address at which it listens; a guide names the usual one. A second one takes the place of the first. */
    async up(command: string): Promise<string> {
      await Promise.all(servers.splice(0).map(stop))
      const [line = ''] = command.split(' #')
      const server = spawn('/bin/sh', ['-c', `exec ${line} --port 0`], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
      servers.push(server)
      let text = ''
      return new Promise((resolve, reject) => {
        for (const stream of [server.stdout, server.stderr])
          stream.on('data', (chunk) => {
            text += chunk
            const found = /http:\/\/([\w.-]+:\d+)/.exec(text)?.[1]
            if (found !== undefined) resolve(found.replace('0.0.0.0', '127.0.0.1'))
          })
        server.once('close', (code) => reject(new Error(`"${line}" ended with ${code}: ${text}`)))
      })
    },
    async close() {
      await Promise.all(servers.map(stop))
      shell.stdin.end()
      try {
        if (shell.pid !== undefined) process.kill(-shell.pid)
      } catch (error) {
        if (!hasCode(error, 'ESRCH')) throw error
      }
      await ended
    },
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return
  const ended = new Promise((resolve) => server.once('close', resolve))
  server.kill('SIGTERM')
  await ended
}

export function readGuide(path: string): Step[] {
  return stepsOf(readFileSync(join(root, path), 'utf8'))
}
