import { invalidInput } from '../../core/errors.ts'
import type { Command } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Completion for bash, zsh or fish',
  arguments: '<shell>',
  examples: ['source <(keel completion bash)', 'keel completion fish > ~/.config/fish/completions/keel.fish'],
  anywhere: true,
  choices: ['bash', 'zsh', 'fish'],
  async run(session, { args: [shell = ''] }) {
    const script = scripts[shell]
    if (!script)
      throw invalidInput(`"${shell}" is not a shell we know.`, { name: shell, hint: 'Use bash, zsh or fish.' })
    const text = script(await session.commandLine.words())
    return { data: { shell, script: text }, text }
  },
}

type Tree = { name: string; summary: string; children: string[] }[]

const scripts: Record<string, (tree: Tree) => string> = { bash, zsh, fish }

function bash(tree: Tree): string {
  const cases = tree
    .filter(({ children }) => children.length > 0)
    .map(({ name, children }) => `    ${name}) COMPREPLY=($(compgen -W "${children.join(' ')}" -- "$current")) ;;`)
  return `_keel() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${tree.map(({ name }) => name).join(' ')}" -- "$current"))
    return
  fi
  [ "$COMP_CWORD" -eq 2 ] || return
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
}
complete -F _keel keel`
}

function zsh(tree: Tree): string {
  const top = tree.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", '’').replaceAll(':', ' ')}'`)
  const cases = tree
    .filter(({ children }) => children.length > 0)
    .map(({ name, children }) => `      ${name}) compadd ${children.join(' ')} ;;`)
  return `#compdef keel
_keel() {
  local -a words_
  words_=(
${top.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command words_; return; fi
  if (( CURRENT == 3 )); then
    case "$words[2]" in
${cases.join('\n')}
    esac
  fi
}
compdef _keel keel`
}

function fish(tree: Tree): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`
  return tree
    .flatMap(({ name, summary, children }) => [
      `complete -c keel -f -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
      ...children.map((child) => `complete -c keel -f -n '__fish_seen_subcommand_from ${name}' -a ${child}`),
    ])
    .join('\n')
}
