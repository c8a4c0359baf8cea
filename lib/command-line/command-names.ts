import { findNearest } from './suggest.ts'

/** What the program does besides serving, by the word that calls it, in a few words. */
export const COMMANDS = {
  backup: 'copy the data file while the server runs',
  check: 'look for damage in the data file',
  completion: 'print what makes bash, zsh or fish complete these words',
  end: 'end one session, those of a user, or all',
  export: 'write the sessions to stdout',
  healthcheck: 'ask the running server whether it is well',
  import: 'read sessions from stdin',
  key: 'make, list and revoke API keys for back ends',
  list: 'list who is logged in',
  restore: 'put a backup in the place of the data file',
  show: 'show one session',
  stats: 'count what the data file holds',
} as const

export type CommandName = keyof typeof COMMANDS

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS)

/** Words that are no commands of their own, but stand in the place of one. */
export const OTHER_WORDS: readonly string[] = ['serve', 'help', 'version']

/** What people type for it elsewhere. */
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
  start: 'serve',
  status: 'healthcheck',
  verify: 'check',
}

/** What is said of a word that calls nothing. */
export function unknownCommand(word: string): string {
  if (/^\d{1,5}$/.test(word)) return `Unexpected argument "${word}": did you mean --port ${word}?`
  const known = [...OTHER_WORDS, ...COMMAND_NAMES]
  const meant = Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word] : findNearest(word, known)
  const hint =
    meant === undefined ? `the commands are ${known.join(', ')}` : `did you mean ${meant}?`
  return `Unknown command ${JSON.stringify(word)}: ${hint}`
}
