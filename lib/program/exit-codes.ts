import { CoatcheckError } from '../base/errors.ts'
import { describeWayOut } from '../commands/way-out.ts'
import { ListenError } from '../http/server/listen-error.ts'
import { PROGRAM_NAME } from '../command-line/program-name.ts'
import { SettingsError } from '../settings/settings.ts'
import { AddonError } from '../store-sqlite/database/addon.ts'
import { StorageError, type StorageFault } from '../store-sqlite/database/storage-error.ts'

/** From `sysexits.h`, so that a supervisor can tell what is worth a restart. */
export const EXIT = {
  stopped: 0,
  badSettings: 64,
  cannotListen: 69,
  cannotLoad: 71,
  writingFailed: 74,
} as const
const EXIT_FOR_STORAGE_FAULT: Readonly<Record<StorageFault, number>> = {
  damaged: 65,
  foreign: 65,
  newer: 65,
  older: 65,
  missing: 66,
  unwritable: 73,
  disk_failed: 74,
  in_use: 75,
}

export type Failure = { readonly exitCode: number; readonly lines: readonly string[] }

/** Why the program cannot go on, in lines for a person, and the exit code for it. */
export function explainFailure(error: unknown): Failure {
  if (error instanceof SettingsError) {
    const help = error.help === '' ? [] : [`See ${PROGRAM_NAME} ${error.help}`]
    return { exitCode: EXIT.badSettings, lines: [...error.faults, ...help] }
  }
  if (error instanceof StorageError) {
    const message = error.message + describeWayOut(error.way)
    return { exitCode: EXIT_FOR_STORAGE_FAULT[error.fault], lines: [message] }
  }
  if (error instanceof CoatcheckError) {
    return { exitCode: exitCodeOf(error), lines: [error.message + describeWayOut(error.way)] }
  }
  if (error instanceof AddonError) {
    return { exitCode: EXIT.cannotLoad, lines: [error.message + describeWayOut(error.way)] }
  }
  if (error instanceof ListenError) {
    return { exitCode: EXIT.cannotListen, lines: [error.message] }
  }
  const line = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { exitCode: 1, lines: [line] }
}

function exitCodeOf({ code }: CoatcheckError): number {
  switch (code) {
    case 'storage_busy':
      return EXIT_FOR_STORAGE_FAULT.in_use
    case 'storage_damaged':
      return EXIT_FOR_STORAGE_FAULT.damaged
    default:
      return EXIT.writingFailed
  }
}
