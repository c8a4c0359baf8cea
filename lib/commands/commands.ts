import type { CommandName } from '../command-line/command-names.ts'
import { backupCommand } from './backup.ts'
import { checkCommand } from './check.ts'
import type { Command } from './command.ts'
import { completionCommand } from './completion/completion.ts'
import { endCommand } from './end.ts'
import { exportCommand } from './export.ts'
import { healthcheckCommand } from './healthcheck.ts'
import { importCommand } from './import.ts'
import { keyCommand } from './key.ts'
import { listCommand } from './list.ts'
import { relayCommand } from './relay/relay.ts'
import { restoreCommand } from './restore.ts'
import { showCommand } from './show.ts'
import { statsCommand } from './stats.ts'

const byName: Readonly<Record<CommandName, Command>> = {
  backup: backupCommand,
  check: checkCommand,
  completion: completionCommand(() => commands),
  end: endCommand,
  export: exportCommand,
  healthcheck: healthcheckCommand,
  import: importCommand,
  key: keyCommand,
  list: listCommand,
  relay: relayCommand,
  restore: restoreCommand,
  show: showCommand,
  stats: statsCommand,
}

/** The commands by name; without one of these names the program serves. */
export const commands: ReadonlyMap<string, Command> = new Map(Object.entries(byName))
