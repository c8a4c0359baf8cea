import { renderSessionLine } from '../transfer/session-line.ts'
import { readAllPages } from './all-pages.ts'
import { type Command, refuseWords } from './command.ts'
import { DAMAGED, FILE_EXIT_CODES } from './file-exit-codes.ts'
import { stores } from './open-store.ts'
import { createProgress } from '../command-line/progress.ts'

export const exportCommand: Command = {
  usage: ['export [--with-secret-hashes] > FILE'],
  summary:
    'Writes the live sessions to stdout, one a line, as JSON that "import" reads. Without the hashes\n' +
    'of their secrets no token opens them where they are imported; back ends can, by their ids.',
  options: { 'with-secret-hashes': { type: 'boolean' } },
  flagHelp: [['--with-secret-hashes', 'so that the tokens in browsers go on working']],
  exitCodes: FILE_EXIT_CODES,
  async run({ words, flags, dataPath }, io) {
    refuseWords(exportCommand, words)
    const reader = await stores.openReader(dataPath)
    let exitCode = 0
    const onDamaged = (id: string): void => {
      io.err(`Left out ${id}: its record in the file is damaged\n`)
      exitCode = DAMAGED
    }
    const progress = createProgress({ ...io, write: io.err, label: 'Exporting', total: undefined })
    const withHashes = flags['with-secret-hashes'] === true
    try {
      for await (const sessions of readAllPages(reader, undefined, io.clock.now(), onDamaged)) {
        const lines = sessions.map((session) => `${renderSessionLine(session, withHashes)}\n`)
        // Who reads no more, as `head` does, has what it wants.
        if (!(await io.outWhenReady(lines.join('')))) return 0
        progress.advance(sessions.length)
      }
      progress.finish()
      return exitCode
    } finally {
      await reader.close()
    }
  },
}
