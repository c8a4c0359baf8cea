import { CoatcheckError } from '../base/errors.ts'
import { EXIT, type ExitName } from '../command-line/exit-codes.ts'
import { PROGRAM_NAME } from '../command-line/program-name.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { CommandError } from '../commands/command.ts'
import { describeWayOut } from '../commands/way-out.ts'
import { ListenError } from '../http/server/listen-error.ts'
import { KeyFileError } from '../service/api-keys.ts'
import { OpenError, type OpenFault } from '../store/open-error.ts'
import { AddonError } from '../store-sqlite/database/addon.ts'
import { StorageError, type StorageFault } from '../store-sqlite/database/storage-error.ts'

const EXIT_FOR_STORAGE_FAULT: Readonly<Record<StorageFault, ExitName>> = {
  damaged: 'damaged',
  foreign: 'damaged',
  newer: 'damaged',
  older: 'damaged',
  missing: 'missing',
  unwritable: 'unwritable',
  disk_failed: 'diskFailed',
  in_use: 'inUse',
}

const EXIT_FOR_OPEN_FAULT: Readonly<Record<OpenFault, ExitName>> = {
  unreachable: 'unavailable',
  unfit: 'unavailable',
  newer: 'damaged',
  missing: 'missing',
}

export type Failure = { readonly exitCode: number; readonly lines: readonly string[] }

/** Why the program cannot go on, in lines for a person, with the exit code. */
export function explainFailure(error: unknown): Failure {
  if (error instanceof UsageError) {
    const see = `See ${PROGRAM_NAME} ${error.help}`
    return { exitCode: EXIT.usage, lines: [...error.faults, see] }
  }
  const exit = exitFor(error)
  if (exit !== undefined && error instanceof Error) {
    return { exitCode: EXIT[exit], lines: [error.message + wayOutOf(error)] }
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { exitCode: EXIT.fault, lines: [stack] }
}

/** The way out in the words of the command line; empty where the error names none. */
function wayOutOf(error: Error): string {
  const knowsOne =
    error instanceof StorageError ||
    error instanceof AddonError ||
    error instanceof KeyFileError ||
    error instanceof CoatcheckError
  return knowsOne ? describeWayOut(error.way) : ''
}

/** Undefined for an error that nothing foresaw. */
function exitFor(error: unknown): ExitName | undefined {
  if (error instanceof CommandError) return error.exit
  if (error instanceof KeyFileError) return 'usage'
  if (error instanceof StorageError) return EXIT_FOR_STORAGE_FAULT[error.fault]
  if (error instanceof AddonError) return 'notLoaded'
  if (error instanceof ListenError) return 'unavailable'
  if (error instanceof OpenError) return EXIT_FOR_OPEN_FAULT[error.fault]
  if (error instanceof CoatcheckError) return exitForCode(error)
  return undefined
}

function exitForCode({ code }: CoatcheckError): ExitName {
  if (code === 'storage_busy') return 'inUse'
  return code === 'storage_damaged' ? 'damaged' : 'diskFailed'
}
