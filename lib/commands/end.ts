import { CoatcheckError } from '../base/errors.ts'
import type { Found } from '../session/session.ts'
import { type FileAccess, openFileAccess } from '../store-sqlite/operator/file-access.ts'
import type { WriteAnswer, WriteRequest } from '../store-sqlite/writer/protocol.ts'
import { type Command, type CommandIo, usageError } from './command.ts'
import { FILE_EXIT_CODES } from './file-exit-codes.ts'
import { createProgress } from '../command-line/progress.ts'

/**
 * A server writes down activity once a second, later where the file is busy; until then it may show
 * a session as live that has expired in the file.
 */
const GRACE_MS = 10_000

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
    const file = openFileAccess(dataPath)
    try {
      const now = io.clock.now()
      const isUnreadable = id !== undefined && isDamaged(file, id, now)
      const found = id === undefined ? undefined : endOne(file, id, now)
      const isEnded = isUnreadable || found?.state === 'live'
      const ended = found === undefined ? await endMany(file, sub, io) : Number(isEnded)
      if (!(await file.serverHasTakenNote())) {
        io.err('Ended in the file, but the running server has not taken note: stop and start it\n')
        return UNNOTICED
      }
      io.out(json ? `${JSON.stringify({ ended })}\n` : `Ended ${ended}\n`)
      if (found?.state !== 'absent') return 0
      io.err('Cannot find a session of this id\n')
      return NOT_FOUND
    } finally {
      file.close()
    }
  },
}

function endOne(file: FileAccess, id: string, now: number): Found {
  const named = { id, now, seenAt: 0, graceMs: GRACE_MS }
  return run(file, { kind: 'end', ...named, reason: 'revoked', when: undefined }) as Found
}

/** Of such a session the writer answers its end, for want of the session. */
function isDamaged(file: FileAccess, id: string, now: number): boolean {
  try {
    file.reader.find(id, now, 0)
    return false
  } catch (error) {
    if (error instanceof CoatcheckError && error.code === 'storage_damaged') return true
    throw error
  }
}

async function endMany(file: FileAccess, sub: string | undefined, io: CommandIo): Promise<number> {
  const progress = createProgress({ ...io, write: io.err, label: 'Ending', total: undefined })
  const which = { sub, except: undefined, reason: 'revoked', graceMs: GRACE_MS } as const
  let ended = 0
  await file.endMany(which, io.clock, (count) => {
    ended += count
    progress.advance(count)
  })
  progress.finish()
  return ended
}

/** Ends, and says in the same step that a running server must take note. */
function run(file: FileAccess, request: WriteRequest): WriteAnswer {
  return file.write([request, { kind: 'change_outside' }])[0]
}
