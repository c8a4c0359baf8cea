import { statSync } from 'node:fs'
import { SettingsError } from '../settings.ts'
import { restoreBackup } from '../store/restore.ts'
import { pagesProgress } from './backup.ts'
import { type Command, usageError } from './command.ts'

export const restoreCommand: Command = {
  usage: ['restore FILE'],
  summary:
    'Puts a checked copy of a backup in the place of the data file, and keeps the old file beside\n' +
    'it. Stop the server first. Who logged out since the backup was made is logged in again.',
  exitCodes: [
    [65, 'FILE is damaged, of a newer version, or not one of ours'],
    [66, 'there is no such FILE'],
    [73, 'the data folder cannot be written, or FILE not read'],
    [74, 'the disk is full, or fails'],
    [75, 'a server or another program holds the data file'],
  ],
  async run({ words, json, dataPath }, io) {
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
      throw new SettingsError([`Cannot restore ${file}: it is the data file itself (--data)`])
    }
    const pages = pagesProgress(io)
    const { sessions, keptAt } = await restoreBackup({
      file,
      dataPath,
      now: io.clock.now(),
      onPages: pages.show,
      onCheck: pages.check,
    }).finally(pages.finish)
    if (json) {
      io.out(`${JSON.stringify({ data: dataPath, sessions, keptAt: keptAt ?? null })}\n`)
      return 0
    }
    io.out(`Restored ${sessions} sessions to ${dataPath}\n`)
    if (keptAt !== undefined) io.out(`The file that was there is now ${keptAt}\n`)
    io.err('Sessions that ended since the backup was made are live again, until they expire\n')
    return 0
  },
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}
