/** What is in a data file that no server has open. */
import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import {
  auditFile,
  auditWal,
  auditOthers,
  auditSessions,
} from '../../../../lib/store-sqlite/operator/audit.ts'
import type { Finding } from '../../../../lib/store/inspection.ts'
import { endedState, liveState, type State } from '../clients/session-client.ts'

/** The version of an ended session is 0. */
export type Stored = { readonly state: State; readonly version: number }

export type FileStates = {
  /** What is wrong with the file, by SQLite's rules and by Coatcheck's own. */
  readonly corrupt: readonly string[]
  /** What it holds of each session, live or ended, by id. */
  readonly stored: ReadonlyMap<string, Stored>
}

/** With its log taken in; a file that cannot be read is corrupt. */
export function readFileStates(path: string): FileStates {
  let database: Database.Database | undefined
  try {
    const corrupt: string[] = []
    const note = ({ kind, id, rule }: Finding) => corrupt.push(`${kind} ${id}: ${rule}`)
    // Before SQLite empties it: no crash leaves a log that would be refused.
    auditWal(path, note)
    // With a journal there is a half-done change to take back, which takes the right to write.
    database = new Database(path, { readonly: !existsSync(`${path}-journal`) })
    auditFile(database, note)
    auditSessions(database, note, () => {})
    auditOthers(database, note, () => {})
    return { corrupt, stored: statesIn(database) }
  } catch (error) {
    return { corrupt: [String(error)], stored: new Map() }
  } finally {
    database?.close()
  }
}

function statesIn(database: Database.Database): Map<string, Stored> {
  type Row = { id: string; data: string; claims: string; version: number }
  type Ended = { id: string; reason: string }
  const rows = database.prepare<[], Row>('select id, data, claims, version from sessions').all()
  const ended = database.prepare<[], Ended>('select id, reason from tombstones').all()
  return new Map([
    ...ended.map(({ id, reason }) => [id, { state: endedState(reason), version: 0 }] as const),
    ...rows.map(({ id, data, claims, version }) => {
      const state = liveState(JSON.parse(data), JSON.parse(claims))
      return [id, { state, version }] as const
    }),
  ])
}
