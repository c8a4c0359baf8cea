/** What the program does besides serving, by the word that calls it. */
export const COMMAND_NAMES = [
  'backup',
  'check',
  'end',
  'export',
  'import',
  'key',
  'list',
  'restore',
  'show',
  'stats',
] as const
