import { DATA_FILE_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { backUp } from '../store-sqlite/operator/backup.ts'
import { type Command, requireFile, takeOneWord, usageError } from './command.ts'
import { createCopyProgress } from './copy-progress.ts'

const INSTEAD =
  'use its own tools, such as pg_dump for a copy, or pg_basebackup with an archive of the WAL'

export const backupCommand: Command = {
  usage: ['backup FILE [--force]'],
  summary:
    'Writes a consistent, checked copy of the data file while the server runs. The copy has no ' +
    'tokens, only hashes of their secrets, and the data of all sessions: protect it like them.',
  options: { force: { type: 'boolean' } },
  flagHelp: [['--force', 'replace FILE if it exists']],
  exitCodes: DATA_FILE_EXITS,
  async run({ words, flags, json, data }, io) {
    const { path: dataPath } = requireFile(backupCommand, data, INSTEAD)
    const file = takeOneWord(backupCommand, words, 'FILE')
    if (file === '-') {
      throw usageError(
        backupCommand,
        'Cannot back up to stdout, which "-" stands for: name a file, or ./- for one of that name',
      )
    }
    const { finish, ...progress } = createCopyProgress(io)
    const force = flags['force'] === true
    const now = io.clock.now()
    const { bytes } = await backUp({ dataPath, file, force, now, ...progress }).finally(finish)
    io.out(
      json
        ? `${JSON.stringify({ file, bytes })}\n`
        : `Backed up to ${file}, ${bytes} bytes, checked\n`,
    )
    return EXIT.done
  },
}
