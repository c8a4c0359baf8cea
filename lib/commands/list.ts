import { findSub } from '../session/claims.ts'
import { renderForBackEnd } from '../session/session-json.ts'
import { oneLine } from '../transfer/session-line.ts'
import { expiresAt, type Session } from '../session/session.ts'
import { readAllPages } from './all-pages.ts'
import { type Command, refuseWords } from './command.ts'
import { DAMAGED, FILE_EXIT_CODES } from './file-exit-codes.ts'
import { stores } from './open-store.ts'

export const listCommand: Command = {
  usage: ['list [--sub USER]'],
  summary:
    'Lists live sessions, the oldest first: id, user, when last seen, when it expires. With --json\n' +
    'all of each, as the API shows it to back ends.',
  options: { sub: { type: 'string' } },
  flagHelp: [['--sub USER', 'those of one user, as claims.sub names it']],
  exitCodes: FILE_EXIT_CODES,
  async run({ words, flags, json, dataPath }, io) {
    refuseWords(listCommand, words)
    const sub = typeof flags['sub'] === 'string' ? flags['sub'] : undefined
    const render = json ? (session: Session) => oneLine(renderForBackEnd(session)) : renderRow
    const reader = await stores.openReader(dataPath)
    let exitCode = 0
    const onDamaged = (id: string): void => {
      io.err(`Left out ${id}: its record in the file is damaged\n`)
      exitCode = DAMAGED
    }
    try {
      for await (const sessions of readAllPages(reader, sub, io.clock.now(), onDamaged)) {
        const lines = sessions.map((session) => `${render(session)}\n`)
        if (!(await io.outWhenReady(lines.join('')))) return 0
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

/** As JSON, with escapes for whatever else could draw on a terminal, or turn its text around. */
function quote(sub: string): string {
  return JSON.stringify(sub).replaceAll(
    /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
