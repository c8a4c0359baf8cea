import { createProgress } from '../command-line/progress.ts'
import type { OperatorStore } from '../store/operator-store.ts'
import { type Command, type CommandIo, usageError } from './command.ts'
import { FILE_EXIT_CODES } from './file-exit-codes.ts'
import { stores } from './open-store.ts'

const NOT_FOUND = 1
const UNNOTICED = 70

export const endCommand: Command = {
  usage: ['end ID', 'end --sub USER', 'end --all'],
  summary:
    "Ends a session, a user's sessions, or everybody's, as revoked. A running server has taken note\n" +
    'when the command is done: no request finds them any more.',
  options: { sub: { type: 'string' }, all: { type: 'boolean' } },
  flagHelp: [
    ['--sub USER', 'the sessions of one user, as claims.sub names it'],
    ['--all', "everybody's"],
  ],
  exitCodes: [
    [NOT_FOUND, 'there is no session of this id, nor was there one of late'],
    [UNNOTICED, 'ended in the file, but a running server has not taken note in ten seconds'],
    ...FILE_EXIT_CODES,
  ],
  async run({ words, flags, json, dataPath }, io) {
    const [id, ...others] = words
    const sub = typeof flags['sub'] === 'string' ? flags['sub'] : undefined
    const all = flags['all'] === true
    const given = [id, sub, all || undefined].filter((choice) => choice !== undefined)
    if (given.length !== 1 || others.length > 0 || sub === '') {
      throw usageError(endCommand, 'Cannot tell which sessions to end')
    }
    const store = await stores.openStore(dataPath)
    try {
      const one = id === undefined ? undefined : await store.end(id, io.clock.now())
      const ended = one === undefined ? await endAll(store, sub, io) : Number(one === 'ended')
      if (!(await store.serversHaveTakenNote())) {
        io.err('Ended in the file, but the running server has not taken note: stop and start it\n')
        return UNNOTICED
      }
      io.out(json ? `${JSON.stringify({ ended })}\n` : `Ended ${ended}\n`)
      if (one !== 'absent') return 0
      io.err('Cannot find a session of this id\n')
      return NOT_FOUND
    } finally {
      await store.close()
    }
  },
}

/** Of one user, or everybody's; returns how many there were. */
async function endAll(
  store: OperatorStore,
  sub: string | undefined,
  io: CommandIo,
): Promise<number> {
  const progress = createProgress({ ...io, write: io.err, label: 'Ending', total: undefined })
  let total = 0
  for (let goesOn = true; goesOn;) {
    const { ended, more } = await store.endSome(sub, io.clock.now())
    total += ended
    progress.advance(ended)
    goesOn = more
  }
  progress.finish()
  return total
}
