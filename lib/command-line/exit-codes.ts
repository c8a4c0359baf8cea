/**
 * The exit codes of the program. This is the only table: the help of everything, the help of each command
 * and the manual are made from it. From 64 on, the codes are those of `sysexits.h`.
 */
import type { CommandName } from './command-names.ts'

type Row = {
  readonly code: number
  readonly meaning: string
  /** The meaning for a command, where the general one says too much or too little. */
  readonly ofCommand?: string
  /** The same for one command. */
  readonly of?: Partial<Readonly<Record<CommandName, string>>>
}

const table = {
  done: { code: 0, meaning: 'done; a server was stopped, as asked', ofCommand: 'done' },
  // Node itself exits with 1 after an exception that nobody catches, so 1 can mean nothing else.
  fault: { code: 1, meaning: 'a fault of Coatcheck itself, its stack on stderr' },
  usage: {
    code: 64,
    meaning: 'the command line, a setting or the file of API keys is wrong; all faults are listed',
    ofCommand: 'the command line or a setting is wrong; all faults are listed',
    of: { key: 'the command line is wrong, or a key of this name is in force already' },
  },
  damaged: {
    code: 65,
    meaning: 'the data or the input is damaged or wrong, or of another version or program',
    of: {
      check: 'there are findings, or the data is of another version or program',
      import: 'the input is wrong, in part or as a whole, or empty; or as for other commands',
      relay: 'the file of the cursor is damaged or something else',
      restore: 'FILE is damaged, or of a newer version or another program',
    },
  },
  missing: {
    code: 66,
    meaning: 'there is no data file, or nothing in the database, for a command that needs it',
    of: { relay: 'there is no such file of dead letters', restore: 'there is no such FILE' },
  },
  notFound: {
    code: 67,
    meaning: 'there is no session of this id, or no key of this name',
    of: {
      end: 'there is no session of this id, nor was there one lately',
      key: 'no key of this name is in force',
      show: 'there is no session of this id, or it has ended',
    },
  },
  receiverGone: {
    code: 68,
    meaning: 'of relay: the receiver wants no more webhooks (it answered 410)',
    of: { relay: 'the receiver wants no more webhooks (it answered 410)' },
  },
  unavailable: {
    code: 69,
    meaning:
      'the server cannot listen on its address, or a database cannot be reached or used; of ' +
      'healthcheck: it is not well',
    ofCommand: 'the database cannot be reached or used',
    of: {
      healthcheck: 'no answer within three seconds, or the server can no longer write',
      relay: 'it cannot listen for metrics; of --replay: not all were delivered',
    },
  },
  unnoticed: {
    code: 70,
    meaning: 'sessions ended in the file, but a running server did not notice within ten seconds',
  },
  notLoaded: {
    code: 71,
    meaning: 'Node or SQLite cannot be loaded: missing, a noexec folder, or an old C library',
  },
  unwritable: {
    code: 73,
    meaning: 'the data file or its folder cannot be read or written, or is no file',
    of: {
      backup: 'FILE exists already or cannot be written, or the data file cannot be read',
      relay: 'the file of the cursor or of the dead letters cannot be read or written',
      restore: 'the data folder cannot be written, or FILE cannot be read',
    },
  },
  diskFailed: {
    code: 74,
    meaning: 'the disk is full or failed, or a file was taken from under the server',
    of: { relay: 'the disk is full or failed; the next start goes on where it was' },
  },
  inUse: {
    code: 75,
    meaning: 'another server or program holds the data file, or it has two names',
    of: { relay: 'another relay has the file of the cursor, or another replay the dead letters' },
  },
  refused: {
    code: 77,
    meaning: 'of relay: the server refuses the API key, or keeps no events',
    of: { relay: 'the server refuses the API key, or keeps no events' },
  },
} as const satisfies Readonly<Record<string, Row>>

export type ExitName = keyof typeof table

/** The exit codes by name. */
export const EXIT = Object.fromEntries(
  Object.entries(table).map(([name, { code }]) => [name, code]),
) as { readonly [Name in ExitName]: (typeof table)[Name]['code'] }

/** The exit codes of a command that opens the data file. */
export const DATA_FILE_EXITS = [
  'damaged',
  'missing',
  'unwritable',
  'diskFailed',
  'inUse',
] as const satisfies readonly ExitName[]

/** The exit codes of a command that opens a data file or a database. */
export const DATA_EXITS = [...DATA_FILE_EXITS, 'unavailable'] as const satisfies readonly ExitName[]

/** Every code with its meaning, in the order of the codes. */
export function listExitCodes(): [code: number, meaning: string][] {
  return Object.values(table).map(({ code, meaning }) => [code, meaning])
}

/** The codes that one command can end with, and what they mean there. */
export function listExitCodesOf(
  command: CommandName,
  names: readonly ExitName[],
): [code: number, meaning: string][] {
  const all = new Set<ExitName>(['done', 'fault', 'usage', ...names])
  return Object.entries<Row>(table)
    .filter(([name]) => all.has(name as ExitName))
    .map(([, { code, meaning, ofCommand, of }]) => [code, of?.[command] ?? ofCommand ?? meaning])
}
