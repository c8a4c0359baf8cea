import { renderForBackEnd } from '../session/session-json.ts'
import { oneLine } from '../transfer/session-line.ts'
import type { Tombstone } from '../session/session.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { type Command, takeOneWord } from './command.ts'
import { stores } from './open-store.ts'

export const showCommand: Command = {
  usage: ['show ID'],
  summary:
    'Shows one session as JSON, as the API shows it to back ends; of one that has ended, why and when.',
  exitCodes: ['notFound', ...DATA_EXITS],
  async run({ words, data }, io) {
    const id = takeOneWord(showCommand, words, 'ID')
    const reader = await stores.openReader(data)
    try {
      const found = await reader.find(id, io.clock.now())
      switch (found.state) {
        case 'live':
          io.out(`${oneLine(renderForBackEnd(found.session, found.session.id))}\n`)
          return EXIT.done
        case 'ended':
          io.out(`${renderTombstone(found.tombstone)}\n`)
          return EXIT.notFound
        case 'absent':
          io.err('Cannot find a session of this id\n')
          return EXIT.notFound
      }
    } finally {
      await reader.close()
    }
  },
}

function renderTombstone({ id, reason, endedAt, keepEndedMs }: Tombstone): string {
  const kept = keepEndedMs === undefined ? {} : { keepEnded: keepEndedMs / 1_000 }
  return JSON.stringify({ id, reason, endedAt: new Date(endedAt), ...kept })
}
