/** The scripts by which a shell completes the command line. */
import type { CommandWords, FlagWord, Place } from './completion-words.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

/** The script for a shell to read, as in `source <(coatcheck completion bash)`. */
export function renderCompletion(shell: Shell, commands: readonly CommandWords[]): string {
  switch (shell) {
    case 'bash':
      return renderBash(commands)
    case 'zsh':
      return renderZsh(commands)
    case 'fish':
      return renderFish(commands)
  }
}

// Where there is no word to offer, bash offers files (`-o default`).
function renderBash(commands: readonly CommandWords[]): string {
  const values = valuedFlags(commands).map(({ flag, value }) => {
    const words = wordsOf(value)
    return `    ${flag}) ${words === '' ? 'return' : `COMPREPLY=($(compgen -W '${words}' -- "$cur")); return`} ;;`
  })
  const cases = commands.map(({ name, flags, argument }) => {
    const words = [wordsOf(argument), flagsOf(flags)].filter((part) => part !== '')
    return `    ${name}) words='${words.join(' ')}' ;;`
  })
  return `# bash completion for coatcheck: source <(coatcheck completion bash)
_coatcheck() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= words= i
  # bash splits --flag=value into three words.
  if [[ $cur == = ]]; then cur=; fi
  if [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  case $prev in
${values.join('\n')}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${namesOf(commands).join('|')}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $command in
    '') words='${[...namesOf(commands), ...serveFlagsOf(commands)].join(' ')}' ;;
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$(printf '%s\\n' $words | grep -v '^-')" -- "$cur"))
  fi
}
complete -o default -F _coatcheck coatcheck
`
}

function renderZsh(commands: readonly CommandWords[]): string {
  const values = valuedFlags(commands).map(({ flag, value }) => {
    return `    (${flag}) ${zshPlace(value)}; return ;;`
  })
  const cases = commands.map((command) => {
    return `    (${command.name})
      if [[ $PREFIX == -* ]]; then ${zshFlags(command)}
      else ${zshPlace(command.argument ?? 'any')}; fi ;;`
  })
  const named = commands.map(({ name, description }) => [name, description] as const)
  return `#compdef coatcheck
# zsh completion for coatcheck: source <(coatcheck completion zsh)
_coatcheck() {
  local command= i prev=\${words[CURRENT-1]}
  local -a found
  if [[ $PREFIX == --*=* ]]; then prev=\${PREFIX%%=*}; compset -P '*='; fi
  case $prev in
${values.join('\n')}
  esac
  for ((i = 2; i < CURRENT; i++)); do
    case \${words[i]} in
      (${namesOf(commands).join('|')}) command=\${words[i]}; break ;;
    esac
  done
  case $command in
    ('')
      if [[ $PREFIX == -* ]]; then ${commands.slice(0, 1).map(zshFlags).join('')}
      else ${zshOffer('command', named)}; fi ;;
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _coatcheck ]]; then _coatcheck "$@"; else compdef _coatcheck coatcheck; fi
`
}

function zshPlace(place: Place): string {
  if (place === 'file') return '_files'
  return place === 'any' ? ':' : `compadd -- ${wordsOf(place)}`
}

/** Offers these words with a description each. */
function zshOffer(kind: string, rows: readonly (readonly [string, string])[]): string {
  const items = rows.map(([name, text]) => quoteForShell(`${name}:${text.replaceAll(':', ',')}`))
  return `found=(${items.join(' ')}); _describe ${kind} found`
}

function zshFlags({ flags }: CommandWords): string {
  return zshOffer(
    '-o flag',
    flags.map(({ flag, description }) => [flag, description]),
  )
}

function renderFish(commands: readonly CommandWords[]): string {
  const names = namesOf(commands).filter((name) => name !== 'serve')
  const isServe = `not __fish_seen_subcommand_from ${names.join(' ')}`
  const lines = commands.flatMap(({ name, description, flags, argument }) => {
    const when = name === 'serve' ? isServe : `__fish_seen_subcommand_from ${name}`
    const words = argument === undefined ? [] : [fishPlace(argument)]
    return [
      `complete -c coatcheck -n __fish_use_subcommand -a ${name} -d ${quoteForShell(description)}`,
      ...words.map((place) => `complete -c coatcheck -n ${quoteForShell(when)} ${place}`),
      ...flags.map(({ flag, value, description: text }) => {
        const taken = value === undefined ? '' : ` -r ${fishPlace(value)}`
        return `complete -c coatcheck -n ${quoteForShell(when)} -l ${flag.slice(2)}${taken} -d ${quoteForShell(text)}`
      }),
    ]
  })
  return `# fish completion for coatcheck: coatcheck completion fish | source
complete -c coatcheck -f
${lines.join('\n')}
`
}

function fishPlace(place: Place): string {
  if (place === 'file') return '-F'
  return place === 'any' ? '-f' : `-f -a ${quoteForShell(wordsOf(place))}`
}

function valuedFlags(commands: readonly CommandWords[]) {
  const byFlag = new Map<string, Place>()
  for (const { flag, value } of commands.flatMap(({ flags }) => flags)) {
    // Two commands may have a flag of one name: words help the one, and do not harm the other.
    if (value !== undefined && !(value === 'any' && byFlag.has(flag))) byFlag.set(flag, value)
  }
  return [...byFlag].map(([flag, value]) => ({ flag, value }))
}

function namesOf(commands: readonly CommandWords[]): string[] {
  return commands.map(({ name }) => name)
}

function serveFlagsOf([serve]: readonly CommandWords[]): string[] {
  return serve?.flags.map(({ flag }) => flag) ?? []
}

function flagsOf(flags: readonly FlagWord[]): string {
  return flags.map(({ flag }) => flag).join(' ')
}

function wordsOf(place: Place | undefined): string {
  return typeof place === 'object' ? place.words.join(' ') : ''
}

/** In single quotes, which all three shells read alike but for a quote inside. */
function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}
