import { counted } from '../command-line/counted.ts'
import { DATA_EXITS, EXIT } from '../command-line/exit-codes.ts'
import { createProgress } from '../command-line/progress.ts'
import type { Finding } from '../store/inspection.ts'
import { type Command, refuseWords } from './command.ts'
import { inspections } from './open-store.ts'

/** A wrong id may be of any length. */
const SHOWN_CHARACTERS = 130

export const checkCommand: Command = {
  usage: ['check'],
  summary:
    'Checks the structure of the data file, or the database, and every session in it, with or without ' +
    'a running server. Prints a line for each finding, with an id and a rule but no data. Repairs nothing.',
  exitCodes: DATA_EXITS,
  async run({ words, json, data }, io) {
    refuseWords(checkCommand, words)
    let findings = 0
    const totals = { sessions: 0, tombstones: 0 }
    const onFinding = (finding: Finding): void => {
      findings++
      io.out(json ? `${JSON.stringify(finding)}\n` : renderFinding(finding))
    }

    const check = await inspections.openCheck(data, onFinding)
    try {
      io.err(data.kind === 'file' ? 'Checking the file\n' : 'Checking the database\n')
      await check.structure()
      const progress = createProgress({
        ...io,
        write: io.err,
        label: 'Checking sessions',
        total: await check.countSessions(),
      })
      await check.sessions((count) => {
        totals.sessions += count
        progress.advance(count)
      })
      progress.finish()
      await check.others((count) => (totals.tombstones += count))
    } finally {
      await check.close()
    }

    if (json) {
      io.out(`${JSON.stringify({ ...totals, findings })}\n`)
    } else {
      const verdict = findings === 0 ? 'nothing is wrong' : counted(findings, 'finding')
      const { sessions, tombstones } = totals
      const all = `${counted(sessions, 'session')}, ${counted(tombstones, 'tombstone')}`
      io.out(`${all}: ${verdict}\n`)
    }
    return findings === 0 ? EXIT.done : EXIT.damaged
  },
}

function renderFinding({ kind, id, rule }: Finding): string {
  const shown = id.length > SHOWN_CHARACTERS ? `${id.slice(0, SHOWN_CHARACTERS)}…` : id
  const name = /^[\w-]+$/.test(shown) || shown === '' ? shown : JSON.stringify(shown)
  return `${kind}${name === '' ? '' : ` ${name}`}: ${rule}\n`
}
