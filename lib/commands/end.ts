import { readSelection, SELECTION_HELP, SELECTION_OPTIONS } from './session-selection.ts'
import { createProgress } from '../command-line/progress.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import type { OperatorStore } from '../store/operator-store.ts'
import type { Selection } from '../store/selection.ts'
import { type Command, type CommandIo, usageError } from './command.ts'
import { stores } from './open-store.ts'

export const endCommand: Command = {
  usage: ['end ID', 'end [--app APP] [--sub USER]', 'end --all'],
  summary:
    "Ends a session, those of an app or a user, or everybody's, as revoked. A running server has taken note\n" +
    'when the command is done: no request finds them any more.',
  options: { ...SELECTION_OPTIONS, all: { type: 'boolean' } },
  flagHelp: [...SELECTION_HELP, ['--all', "everybody's, in all apps"]],
  exitCodes: ['notFound', 'unnoticed', ...DATA_EXITS],
  async run({ words, flags, json, data }, io) {
    const [id, ...others] = words
    const which = readSelection(endCommand, flags)
    const all = flags['all'] === true
    const given = [id, which.app ?? which.sub, all || undefined]
    const isOne = given.filter((choice) => choice !== undefined).length === 1
    if (!isOne || others.length > 0 || which.sub === '') {
      throw usageError(endCommand, 'Cannot tell which sessions to end')
    }
    const store = await stores.openStore(data)
    try {
      const one = id === undefined ? undefined : await store.end(id, io.clock.now())
      const ended = one === undefined ? await endAll(store, which, io) : Number(one === 'ended')
      if (!(await store.serversHaveTakenNote())) {
        io.err('Ended in storage, but the running server has not taken note: stop and start it\n')
        return EXIT.unnoticed
      }
      io.out(json ? `${JSON.stringify({ ended })}\n` : `Ended ${ended}\n`)
      if (one !== 'absent') return EXIT.done
      io.err('Cannot find a session of this id\n')
      return EXIT.notFound
    } finally {
      await store.close()
    }
  },
}

/** Returns how many there were. */
async function endAll(store: OperatorStore, which: Selection, io: CommandIo): Promise<number> {
  const progress = createProgress({ ...io, write: io.err, label: 'Ending', total: undefined })
  let total = 0
  for (let goesOn = true; goesOn;) {
    const { ended, more } = await store.endSome(which, io.clock.now())
    total += ended
    progress.advance(ended)
    goesOn = more
  }
  progress.finish()
  return total
}
