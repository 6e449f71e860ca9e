import { settings } from '../../src/core/config.ts'
import { catalogue } from '../../src/core/error-catalogue.ts'
import { code, table } from './markdown.ts'

export function errorsPage(): string {
  const rows = Object.entries(catalogue).map(([name, { status, exit, title }]) => [
    `[${code(name)}](#${name})`,
    String(status),
    String(exit),
    title,
  ])
  const solutions = Object.entries(catalogue).map(
    ([name, { when, fix }]) => `### ${name}\n\n${when}\n\n**To solve it:** ${fix}`,
  )
  return [
    '# Errors',
    `What the server refuses is told as \`application/problem+json\` (RFC 9457): the stable \`code\` below, \`detail\` as a sentence, the
offending \`name\`, a \`hint\` what to do, \`issues\` by path, and the \`requestId\` under which the server's log knows it. The command
line prints the same and ends with the exit code.`,
    table(['code', 'status', 'exit code', 'title'], rows),
    '## When it happens, and what solves it',
    ...solutions,
  ].join('\n\n')
}

export function settingsPage(): string {
  const rows = Object.entries(settings).map(([name, setting]) => [
    code(name),
    code(setting.flag),
    code(setting.env),
    setting.default === '' ? '' : code(setting.default),
    setting.help,
  ])
  return [
    '# Settings',
    `A flag goes before the environment, that before \`keel.yaml\`, that before the default. \`keel config explain\` shows every value and
where it comes from.`,
    table(['setting', 'flag', 'environment', 'default', 'meaning'], rows),
  ].join('\n\n')
}
