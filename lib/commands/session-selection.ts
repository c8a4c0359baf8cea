/** The flags by which commands select sessions: of one app, of one user, or both. */
import { APP_SHAPE, isApp } from '../session/session-id.ts'
import type { Selection } from '../store/selection.ts'
import { type Command, type CommandInput, usageError } from './command.ts'

export const APP_OPTION = { app: { type: 'string' } } as const
export const SELECTION_OPTIONS = { ...APP_OPTION, sub: { type: 'string' } } as const

export const APP_HELP = ['--app APP', 'those of one app; else those of all apps'] as const
export const SELECTION_HELP = [
  APP_HELP,
  ['--sub USER', 'those of one user, as claims.sub names it'],
] as const

/** Throws a usage error for a name that no app can have. */
export function readSelection(command: Command, flags: CommandInput['flags']): Selection {
  const { app, sub } = flags
  if (app !== undefined && !(typeof app === 'string' && isApp(app))) {
    throw usageError(command, `Cannot select sessions: --app must be ${APP_SHAPE}`)
  }
  return { app, sub: typeof sub === 'string' ? sub : undefined }
}
