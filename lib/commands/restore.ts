import { statSync } from 'node:fs'
import { counted } from '../command-line/counted.ts'
import { DATA_FILE_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { type Restored, restoreBackup } from '../store-sqlite/operator/restore.ts'
import { type Command, requireFile, takeOneWord, usageError } from './command.ts'
import { createCopyProgress } from './copy-progress.ts'

const INSTEAD =
  'use its own tools, such as pg_restore, or recovery from pg_basebackup and an archive of the WAL'

export const restoreCommand: Command = {
  usage: ['restore FILE [--exact]'],
  summary:
    'Replaces the data file by a checked copy of a backup, and keeps the old file beside it. Stop ' +
    'the server first. Sessions that ended since the backup stay ended, keys revoked since stay ' +
    'revoked, and keys made since stay in force, as far as the old file can be read.',
  options: { exact: { type: 'boolean' } },
  flagHelp: [['--exact', 'take over nothing from the old file']],
  exitCodes: DATA_FILE_EXITS,
  async run({ words, flags, json, data }, io) {
    const { path: dataPath } = requireFile(restoreCommand, data, INSTEAD)
    const file = takeOneWord(restoreCommand, words, 'FILE')
    if (file === '-') {
      throw usageError(
        restoreCommand,
        'Cannot restore from stdin, which "-" stands for: name a file, or ./- for one of that name',
      )
    }
    if (isSameFile(file, dataPath)) {
      throw usageError(
        restoreCommand,
        `Cannot restore ${file}: it is the data file itself (--data)`,
      )
    }
    const { finish, ...progress } = createCopyProgress(io)
    const exact = flags['exact'] === true
    const now = io.clock.now()
    const restored = await restoreBackup({ file, dataPath, exact, now, ...progress }).finally(
      finish,
    )
    const { sessions, keptAt, carried } = restored
    if (json) {
      const facts = { data: dataPath, sessions, keptAt: keptAt ?? null, carried: carried ?? null }
      io.out(`${JSON.stringify(facts)}\n`)
      return EXIT.done
    }
    io.out(`Restored ${counted(sessions, 'session')} to ${dataPath}\n`)
    if (keptAt !== undefined) io.out(`The file that was there is now ${keptAt}\n`)
    for (const line of linesAbout(restored, exact)) io.err(`${line}\n`)
    return EXIT.done
  },
}

/** Warns of sessions and keys that may be in force against the operator's will, or lost. */
function* linesAbout({ keptAt, carried }: Restored, exact: boolean): Generator<string> {
  if (carried === undefined) {
    const since =
      'essions that ended since the backup was made are live again until they expire, and keys ' +
      'revoked since are in force: look at "key list"'
    yield exact || keptAt !== undefined ? `S${since}` : `There was no data file: s${since}`
    return
  }
  const { ended, renewed, revokedKeys, newKeys, unknown = 0, isWhole } = carried
  if (ended > 0) {
    const [have, stay, them] = ended === 1 ? ['has', 'stays', 'it'] : ['have', 'stay', 'them']
    yield (
      `${counted(ended, 'session')} of the backup ${have} ended since, and ${stay} ended ` +
      `(--exact brings ${them} back)`
    )
  }
  if (renewed > 0) {
    const [were, are, holders] =
      renewed === 1 ? ['was', 'is', 'its holder logs'] : ['were', 'are', 'their holders log']
    yield (
      `${counted(renewed, 'session')} of the backup ${were} renewed since, at a login for example, ` +
      `and ${are} lost: ${holders} in again`
    )
  }
  if (revokedKeys > 0) {
    const [were, stay] = revokedKeys === 1 ? ['was', 'stays'] : ['were', 'stay']
    yield `${counted(revokedKeys, 'key')} ${were} revoked since, and ${stay} revoked`
  }
  if (newKeys > 0) {
    const [were, stay] = newKeys === 1 ? ['was', 'stays'] : ['were', 'stay']
    yield `${counted(newKeys, 'key')} ${were} made since, and ${stay} in force`
  }
  if (unknown > 0) {
    const [are, they, were] = unknown === 1 ? ['is', 'it', 'was'] : ['are', 'they', 'were']
    yield (
      `${counted(unknown, 'session')} ${are} live that the old file does not know: ${they} ${were} ` +
      'never in it, or ended longer ago than it remembers (--keep-ended)'
    )
  }
  if (!isWhole) {
    yield (
      'The old file could not be read as a whole: sessions that ended and keys that were revoked ' +
      'since the backup was made may be in force again; look at "key list"'
    )
  }
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}
