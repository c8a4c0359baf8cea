import { findNearest } from './suggest.ts'

/** The commands besides `serve`, with a short description each. */
export const COMMANDS = {
  backup: 'copy the data file while the server runs',
  check: 'look for damage in the data file',
  completion: 'print a script for bash, zsh or fish that completes commands',
  end: 'end one session, all of a user, or all',
  export: 'write the sessions to stdout',
  healthcheck: 'ask the running server for its health',
  import: 'read sessions from stdin',
  key: 'make, list and revoke API keys for back ends',
  list: 'list live sessions',
  relay: 'send the events of a server to a receiver, as webhooks',
  restore: 'replace the data file by a backup',
  show: 'show one session',
  stats: 'count the sessions in the data file',
} as const

export type CommandName = keyof typeof COMMANDS

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS)

/** Words in the place of a command that `commands` has no entry for. */
export const OTHER_WORDS: readonly string[] = ['serve', 'help', 'version']

/** The words of other programs for the same. */
const SYNONYMS: Readonly<Record<string, string>> = {
  delete: 'end',
  dump: 'export',
  get: 'show',
  health: 'healthcheck',
  keys: 'key',
  load: 'import',
  logout: 'end',
  ls: 'list',
  remove: 'end',
  rm: 'end',
  run: 'serve',
  send: 'relay',
  start: 'serve',
  status: 'healthcheck',
  verify: 'check',
  webhook: 'relay',
  webhooks: 'relay',
}

/** The fault of a word that is no command. */
export function unknownCommand(word: string): string {
  if (/^\d{1,5}$/.test(word)) return `Unexpected argument "${word}": did you mean --port ${word}?`
  const known = [...OTHER_WORDS, ...COMMAND_NAMES]
  const meant = Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word] : findNearest(word, known)
  const hint =
    meant === undefined ? `the commands are ${known.join(', ')}` : `did you mean ${meant}?`
  return `Unknown command ${JSON.stringify(word)}: ${hint}`
}
