import { backupCommand } from './backup.ts'
import { checkCommand } from './check.ts'
import type { Command } from './command.ts'
import { keyCommand } from './key.ts'
import { restoreCommand } from './restore.ts'
import { statsCommand } from './stats.ts'

/** The commands by the word that calls them; without one of these words the program serves. */
export const commands: ReadonlyMap<string, Command> = new Map([
  ['backup', backupCommand],
  ['check', checkCommand],
  ['key', keyCommand],
  ['restore', restoreCommand],
  ['stats', statsCommand],
])
