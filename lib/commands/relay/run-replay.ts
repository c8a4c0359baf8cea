/** Sends dead letters again, and says what came of it. */
import { existsSync } from 'node:fs'
import { dropPermissions } from '../../base/permissions.ts'
import { EXIT } from '../../command-line/exit-codes.ts'
import { openDeadLettersToMark } from '../../relay/state/dead-letter-file.ts'
import { RelayError } from '../../relay/relay-error.ts'
import { replayDeadLetters } from '../../relay/replay.ts'
import { shownOf } from '../../relay/webhook/message.ts'
import { createPoster } from '../../relay/webhook/poster.ts'
import type { CommandIo } from '../command.ts'
import type { ReplayFlags } from './relay-flags.ts'
import { lockForRelay } from './relay-lock.ts'

/** Returns the exit code. A relay may add letters meanwhile; they are not sent by this replay. */
export async function runReplay(flags: ReplayFlags, json: boolean, io: CommandIo): Promise<number> {
  const { deadLettersPath: path } = flags
  if (!existsSync(path)) {
    throw new RelayError('missing', `Cannot replay ${path}: there is no such file`)
  }
  const unlock = lockForRelay(path, 'another replay sends them; wait until it is done')
  try {
    return await replay(flags, json, io)
  } finally {
    unlock()
  }
}

async function replay(flags: ReplayFlags, json: boolean, io: CommandIo): Promise<number> {
  const { to, keys, deadLettersPath: path } = flags
  const file = openDeadLettersToMark(path)
  const stopping = new AbortController()
  const letGo = io.stayOn(() => stopping.abort())
  for (const line of file.otherLines) io.err(`Left out: line ${line} is no dead letter\n`)
  if (to.isOpenToOthers) io.err(`Warning: ${to.shown} is plain http, which others can read\n`)
  const poster = createPoster({ address: to, keys, clock: io.clock })
  // The file is open, and stays so.
  dropPermissions({ except: 'net' })
  try {
    const { sent, failed, left } = await replayDeadLetters({
      file,
      poster,
      signal: stopping.signal,
      onFailed({ event }, reason) {
        const shown = `${shownOf(event.id)} (${shownOf(event.type)})`
        io.err(`Failed again: event ${shown}: ${reason}\n`)
      },
    })
    io.out(
      json
        ? `${JSON.stringify({ file: path, sent, failed, left })}\n`
        : `Sent ${sent}; failed again ${failed}; not tried ${left}\n`,
    )
    return failed + left === 0 ? EXIT.done : EXIT.unavailable
  } finally {
    letGo()
    poster.close()
    file.close()
  }
}
