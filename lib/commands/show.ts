import { renderForBackEnd } from '../session/session-json.ts'
import { oneLine } from '../transfer/session-line.ts'
import type { Tombstone } from '../session/session.ts'
import { type Command, usageError } from './command.ts'
import { FILE_EXIT_CODES } from './file-exit-codes.ts'
import { stores } from './open-store.ts'

const NOT_LIVE = 1

export const showCommand: Command = {
  usage: ['show ID'],
  summary:
    'Shows one session as JSON, as the API shows it to back ends; of one that has ended, why and when.',
  exitCodes: [[NOT_LIVE, 'there is no session of this id, or it has ended'], ...FILE_EXIT_CODES],
  async run({ words, dataPath }, io) {
    const [id, ...others] = words
    if (id === undefined || others.length > 0) throw usageError(showCommand, 'Cannot tell which')
    const reader = await stores.openReader(dataPath)
    try {
      const found = await reader.find(id, io.clock.now())
      switch (found.state) {
        case 'live':
          io.out(`${oneLine(renderForBackEnd(found.session))}\n`)
          return 0
        case 'ended':
          io.out(`${renderTombstone(found.tombstone)}\n`)
          return NOT_LIVE
        case 'absent':
          io.err('Cannot find a session of this id\n')
          return NOT_LIVE
      }
    } finally {
      await reader.close()
    }
  },
}

function renderTombstone({ id, reason, endedAt }: Tombstone): string {
  return JSON.stringify({ id, reason, endedAt: new Date(endedAt) })
}
