import type { Command } from './command.ts'
import { keyCommand } from './key.ts'

/** The commands by the word that calls them; without one of these words the program serves. */
export const commands: ReadonlyMap<string, Command> = new Map([['key', keyCommand]])
