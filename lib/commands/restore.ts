import { statSync } from 'node:fs'
import { type Restored, restoreBackup } from '../store-sqlite/operator/restore.ts'
import { pagesProgress } from './backup.ts'
import { type Command, usageError } from './command.ts'
import { counted } from '../command-line/counted.ts'

export const restoreCommand: Command = {
  usage: ['restore FILE [--exact]'],
  summary:
    'Puts a checked copy of a backup in the place of the data file, and keeps the old file beside\n' +
    'it. Stop the server first. Sessions that the old file knows as ended stay ended, keys that are\n' +
    'revoked there stay revoked, and keys made since stay in force.',
  options: { exact: { type: 'boolean' } },
  flagHelp: [['--exact', 'nothing of the old file: as it was when the backup was made']],
  exitCodes: [
    [65, 'FILE is damaged, of a newer version, or not one of ours'],
    [66, 'there is no such FILE'],
    [73, 'the data folder cannot be written, or FILE not read'],
    [74, 'the disk is full, or fails'],
    [75, 'a server or another program holds the data file'],
  ],
  async run({ words, flags, json, dataPath }, io) {
    const [file, ...others] = words
    if (file === undefined || file === '' || others.length > 0) {
      throw usageError(restoreCommand, 'Cannot tell what to restore')
    }
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
    const pages = pagesProgress(io)
    const exact = flags['exact'] === true
    const restored = await restoreBackup({
      file,
      dataPath,
      exact,
      now: io.clock.now(),
      onPages: pages.show,
      onCheck: pages.check,
    }).finally(pages.finish)
    const { sessions, keptAt, carried } = restored
    if (json) {
      const keys = { data: dataPath, sessions, keptAt: keptAt ?? null, carried: carried ?? null }
      io.out(`${JSON.stringify(keys)}\n`)
      return 0
    }
    io.out(`Restored ${counted(sessions, 'session')} to ${dataPath}\n`)
    if (keptAt !== undefined) io.out(`The file that was there is now ${keptAt}\n`)
    for (const line of linesAbout(restored, exact)) io.err(`${line}\n`)
    return 0
  },
}

/** What is in force that may not be meant to be, and what is not that may. */
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
      `${counted(unknown, 'session')} ${are} live of which the old file knows nothing: ${they} ${were} ` +
      'never in it, or ended longer ago than it remembers (--keep-ended)'
    )
  }
  if (!isWhole) {
    yield (
      'The old file is damaged, or none that this Coatcheck can read: sessions that ended and keys ' +
      'that were revoked since the backup was made may be in force again, as far as it could not be read; look at "key list"'
    )
  }
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}
