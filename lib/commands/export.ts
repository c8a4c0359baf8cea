import { renderKeyLine } from '../transfer/api-key-line.ts'
import { renderEndLine } from '../transfer/end-line.ts'
import { renderSessionLine } from '../transfer/session-line.ts'
import type { OperatorReader } from '../store/operator-store.ts'
import type { Selection } from '../store/selection.ts'
import { APP_HELP, APP_OPTION, readSelection } from './session-selection.ts'
import { readAllPages } from './all-pages.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { type Command, refuseWords } from './command.ts'
import { stores } from './open-store.ts'
import { createProgress } from '../command-line/progress.ts'

export const exportCommand: Command = {
  usage: ['export [--app APP] [--with-secret-hashes | --everything] > FILE'],
  summary:
    'Writes the live sessions to stdout, one a line, as JSON that "import" reads. Without the hashes\n' +
    'of their secrets no token opens them where they are imported; back ends can, by their ids.',
  options: {
    ...APP_OPTION,
    'with-secret-hashes': { type: 'boolean' },
    everything: { type: 'boolean' },
  },
  flagHelp: [
    APP_HELP,
    ['--with-secret-hashes', 'so that the tokens in browsers go on working'],
    ['--everything', 'these hashes, ended sessions, and API keys as their hashes: to'],
    ['', 'move a service, whose import needs --everything, too'],
  ],
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
    const now = io.clock.now()
    const hasEverything = flags['everything'] === true
    const withHashes = hasEverything || flags['with-secret-hashes'] === true

    async function* readLines(): AsyncGenerator<readonly string[]> {
      // The ends first: what is broken off on its way has undone no log-out.
      // control: everything-exported
      if (hasEverything) yield* readKeptLines(reader, which, now, onDamaged)
      for await (const sessions of readAllPages(reader, which, now, onDamaged)) {
        yield sessions.map((session) => renderSessionLine(session, withHashes))
      }
    }

    try {
      for await (const lines of readLines()) {
        // Who reads no more, as `head` does, has what it wants.
        if (!(await io.outWhenReady(lines.map((line) => `${line}\n`).join('')))) return EXIT.done
        progress.advance(lines.length)
      }
      progress.finish()
      return exitCode
    } finally {
      await reader.close()
    }
  },
}

/** The lines of API keys and of ends, of one app or of all. */
async function* readKeptLines(
  reader: OperatorReader,
  { app }: Selection,
  now: number,
  onDamaged: (id: string) => void,
): AsyncGenerator<readonly string[]> {
  const keys = await reader.keys.list()
  yield keys.filter((key) => app === undefined || key.app === app).map(renderKeyLine)
  for await (const { ends, damaged } of reader.readEnds({ app }, now)) {
    damaged.forEach(onDamaged)
    yield ends.map(renderEndLine)
  }
}
