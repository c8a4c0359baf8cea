// What is asked of the database for writes that are guarded by versions, on a connection that is none.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connection, Rows, Statement } from '../../lib/store-postgres/connection/connection.ts'
import { createKnownRows } from '../../lib/store-postgres/tables/known-rows.ts'
import { liveRow, type Row } from '../../lib/store-postgres/tables/rows.ts'
import { runGuarded } from '../../lib/store-postgres/writes/guarded.ts'
import type { Write } from '../../lib/store-postgres/writes/stage.ts'
import { DAY, LIMITS } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('guarded writes: PostgreSQL')

const NOW = 1_000
const RULES = { limits: LIMITS, keepEndedMs: DAY, onTold: () => {} }

test('a write begins with the row that is known, and reads nothing', async () => {
  const known = createKnownRows()
  known.note(rowOf('a'), 'one')
  const { asked, connection } = connectionTo(['a'])
  const outcomes = await runGuarded(connection, [clear('a')], RULES, known)
  assert.equal(asked, ['cc_update_data a'])
  assert.is(outcomes.size, 1)
  assert.is(known.find('a', 'one')?.session.version, 2)
})

test('writes whose connection goes to another server on the way begin anew there', async () => {
  const known = createKnownRows()
  known.note(rowOf('a'), 'one')
  const there = connectionTo(['a', 'b'])
  let isMoved = false
  const connection = {
    server: () => (isMoved ? 'other' : 'one'),
    ask: async (statement: Statement, values?: readonly unknown[]) => {
      const rows = await there.connection.ask(statement, values)
      isMoved = true
      return rows
    },
  }
  const writes = [clear('a'), clear('b')]
  const outcomes = await runGuarded(connection, writes, RULES, known)
  assert.equal(there.asked, ['cc_find b', 'cc_find a,b', 'cc_update_data a,b'])
  assert.is(outcomes.size, 2)
})

test.run()

const clear = (id: string): Write => {
  const operation = { name: 'overwrite', data: '{"a":1}' } as const
  return { kind: 'change', id, now: NOW, seenAt: 0, operation }
}

/** It has these sessions, and each guard holds. */
function connectionTo(ids: readonly string[]) {
  const asked: string[] = []
  const connection: Pick<Connection, 'ask' | 'server'> = {
    server: () => 'one',
    async ask({ name }, values = []): Promise<Rows> {
      const wanted = values[0] as readonly string[]
      asked.push(`${name} ${wanted.join()}`)
      const here = ids.filter((id) => wanted.includes(id))
      const rows = here.map((id) => (name === 'cc_find' ? fieldsOf(rowOf(id)) : [id, null]))
      return { rows, count: rows.length, command: '', server: 'one' }
    },
  }
  return { asked, connection }
}

function rowOf(id: string): Row {
  return { ...liveRow(sessionAt(NOW, { id }), undefined), number: 7 }
}

/** In the order of `COLUMNS`. */
function fieldsOf({ session, number, sub, sweepAt }: Row): unknown[] {
  const { id, secretHash, data, claims, permanent, createdAt, lastSeenAt } = session
  const { idleTimeoutMs, lifetimeMs, ownIdleTimeout, ownLifetime, version, device } = session
  return [
    ...[id, secretHash, data, claims, permanent, createdAt, lastSeenAt],
    ...[idleTimeoutMs, lifetimeMs, ownIdleTimeout, ownLifetime, version, device],
    ...[number, sub ?? null, sweepAt ?? null, null, null, null],
  ]
}
