import { defineCommand, oneOf, required, type Word } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Completion for bash, zsh or fish',
  args: { shell: required(oneOf(['bash', 'zsh', 'fish'], '')) },
  examples: ['source <(keel completion bash)', 'keel completion fish > ~/.config/fish/completions/keel.fish'],
  anywhere: true,
  async run(session, { args: { shell } }) {
    const text = scripts[shell](await session.commandLine.words())
    return { data: { shell, script: text }, text }
  },
})

type Tree = Word[]

const scripts = { bash, zsh, fish }

function bash(tree: Tree): string {
  const cases = tree
    .filter(({ children }) => children.length > 0)
    .map(({ name, children }) => `    ${name}) COMPREPLY=($(compgen -W "${children.join(' ')}" -- "$current")) ;;`)
  return `_keel() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${optionCases(tree, (words) => `COMPREPLY=($(compgen -W "${words}" -- "$current")); return`)}
  esac
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
  case "$words[2] $words[CURRENT-1]" in
${optionCases(tree, (words) => `compadd ${words}; return`)}
  esac
  if (( CURRENT == 2 )); then _describe command words_; return; fi
  if (( CURRENT == 3 )); then
    case "$words[2]" in
${cases.join('\n')}
    esac
  fi
}
compdef _keel keel`
}

/** What may follow `release --kind`, as cases of a shell. */
function optionCases(tree: Tree, then: (words: string) => string): string {
  return tree
    .flatMap(({ name, options }) =>
      Object.entries(options).map(([flag, words]) => `    "${name} ${flag}") ${then(words.join(' '))} ;;`),
    )
    .join('\n')
}

function fish(tree: Tree): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`
  return tree
    .flatMap(({ name, summary, children, options }) => [
      `complete -c keel -f -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
      ...children.map((child) => `complete -c keel -f -n '__fish_seen_subcommand_from ${name}' -a ${child}`),
      ...Object.entries(options).map(
        ([flag, words]) =>
          `complete -c keel -f -r -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)} -a '${words.join(' ')}'`,
      ),
    ])
    .join('\n')
}
