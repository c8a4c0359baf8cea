import {
  auditFile,
  auditWal,
  auditOthers,
  auditSchema,
  auditSessions,
  type Finding,
} from '../store-sqlite/operator/audit.ts'
import { openForReading } from '../store-sqlite/operator/reading-database.ts'
import { guarded } from '../store-sqlite/database/storage-error.ts'
import { countSessions } from '../store-sqlite/operator/statistics.ts'
import { type Command, refuseWords } from './command.ts'
import { counted } from '../command-line/counted.ts'
import { createProgress } from '../command-line/progress.ts'

const CHECK_FAILED = 65

/** An id that is wrong may be of any length. */
const SHOWN_CHARACTERS = 130

export const checkCommand: Command = {
  usage: ['check'],
  summary:
    'Checks the structure of the data file and the limits for what is in it, beside a server or\n' +
    'without one. Each finding is a line with an id and a rule, and no data. Nothing is mended.',
  exitCodes: [
    [CHECK_FAILED, 'something is wrong, or the file is of another version or not one of ours'],
    [66, 'there is no data file'],
    [73, 'the data file cannot be read'],
    [74, 'the disk is full, or fails'],
    [75, 'another program holds the data file'],
  ],
  async run({ words, json, dataPath }, io) {
    refuseWords(checkCommand, words)
    let findings = 0
    const totals = { sessions: 0, tombstones: 0 }
    const onFinding = (finding: Finding): void => {
      findings++
      io.out(json ? `${JSON.stringify(finding)}\n` : renderFinding(finding))
    }

    const { database, close } = openForReading(dataPath, () => auditWal(dataPath, onFinding))
    try {
      guarded(dataPath, () => {
        io.err('Checking the file\n')
        auditSchema(database, onFinding)
        auditFile(database, onFinding)
        const progress = createProgress({
          write: io.err,
          isTerminal: io.isTerminal,
          clock: io.clock,
          label: 'Checking sessions',
          total: countSessions(database),
        })
        auditSessions(database, onFinding, (count) => {
          totals.sessions += count
          progress.advance(count)
        })
        progress.finish()
        auditOthers(database, onFinding, (count) => (totals.tombstones += count))
      })
    } finally {
      close()
    }

    if (json) {
      io.out(`${JSON.stringify({ ...totals, findings })}\n`)
    } else {
      const verdict = findings === 0 ? 'nothing is wrong' : counted(findings, 'finding')
      const { sessions, tombstones } = totals
      const all = `${counted(sessions, 'session')}, ${counted(tombstones, 'tombstone')}`
      io.out(`${all}: ${verdict}\n`)
    }
    return findings === 0 ? 0 : CHECK_FAILED
  },
}

function renderFinding({ kind, id, rule }: Finding): string {
  const shown = id.length > SHOWN_CHARACTERS ? `${id.slice(0, SHOWN_CHARACTERS)}…` : id
  const name = /^[\w-]+$/.test(shown) || shown === '' ? shown : JSON.stringify(shown)
  return `${kind}${name === '' ? '' : ` ${name}`}: ${rule}\n`
}
