import { renderSessionLine } from '../transfer/session-line.ts'
import { APP_HELP, APP_OPTION, readSelection } from './session-selection.ts'
import { readAllPages } from './all-pages.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { type Command, refuseWords } from './command.ts'
import { stores } from './open-store.ts'
import { createProgress } from '../command-line/progress.ts'

export const exportCommand: Command = {
  usage: ['export [--app APP] [--with-secret-hashes] > FILE'],
  summary:
    'Writes the live sessions to stdout, one a line, as JSON that "import" reads. Without the hashes\n' +
    'of their secrets no token opens them where they are imported; back ends can, by their ids.',
  options: { ...APP_OPTION, 'with-secret-hashes': { type: 'boolean' } },
  flagHelp: [APP_HELP, ['--with-secret-hashes', 'so that the tokens in browsers go on working']],
  exitCodes: DATA_EXITS,
  async run({ words, flags, data }, io) {
    refuseWords(exportCommand, words)
    const which = readSelection(exportCommand, flags)
    const reader = await stores.openReader(data)
    let exitCode: number = EXIT.done
    const onDamaged = (id: string): void => {
      io.err(`Left out ${id}: its record is damaged\n`)
      exitCode = EXIT.damaged
    }
    const progress = createProgress({ ...io, write: io.err, label: 'Exporting', total: undefined })
    const withHashes = flags['with-secret-hashes'] === true
    try {
      for await (const sessions of readAllPages(reader, which, io.clock.now(), onDamaged)) {
        const lines = sessions.map((session) => `${renderSessionLine(session, withHashes)}\n`)
        // Who reads no more, as `head` does, has what it wants.
        if (!(await io.outWhenReady(lines.join('')))) return EXIT.done
        progress.advance(sessions.length)
      }
      progress.finish()
      return exitCode
    } finally {
      await reader.close()
    }
  },
}
