import { quote } from '../base/quote.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { findSub } from '../session/claims.ts'
import { readSelection, SELECTION_HELP, SELECTION_OPTIONS } from './session-selection.ts'
import { renderForBackEnd } from '../session/session-json.ts'
import { expiresAt, type Session } from '../session/session.ts'
import { oneLine } from '../transfer/session-line.ts'
import { readAllPages } from './all-pages.ts'
import { type Command, refuseWords } from './command.ts'
import { stores } from './open-store.ts'

export const listCommand: Command = {
  usage: ['list [--app APP] [--sub USER]'],
  summary:
    'Lists live sessions, the oldest first: id, user, when last seen, when it expires. With --json\n' +
    'all of each, as the API shows it to back ends.',
  options: SELECTION_OPTIONS,
  flagHelp: SELECTION_HELP,
  exitCodes: DATA_EXITS,
  async run({ words, flags, json, data }, io) {
    refuseWords(listCommand, words)
    const which = readSelection(listCommand, flags)
    const render = json
      ? (session: Session) => oneLine(renderForBackEnd(session, session.id))
      : renderRow
    const reader = await stores.openReader(data)
    let exitCode: number = EXIT.done
    const onDamaged = (id: string): void => {
      io.err(`Left out ${id}: its record is damaged\n`)
      exitCode = EXIT.damaged
    }
    try {
      for await (const sessions of readAllPages(reader, which, io.clock.now(), onDamaged)) {
        const lines = sessions.map((session) => `${render(session)}\n`)
        if (!(await io.outWhenReady(lines.join('')))) return EXIT.done
      }
      return exitCode
    } finally {
      await reader.close()
    }
  },
}

function renderRow(session: Session): string {
  const sub = findSub(session.claims)
  return [
    session.id,
    sub === undefined ? '-' : quote(sub),
    `seen ${new Date(session.lastSeenAt).toISOString()}`,
    `expires ${new Date(expiresAt(session)).toISOString()}`,
  ].join('\t')
}
