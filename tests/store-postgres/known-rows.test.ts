import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createKnownRows } from '../../lib/store-postgres/tables/known-rows.ts'
import { endedRow, liveRow, type Row } from '../../lib/store-postgres/tables/rows.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('known rows: PostgreSQL')

test('a row is known of the server that had it, and of no other', () => {
  const known = createKnownRows()
  known.note(rowOf({ version: 1 }), 'one')
  assert.is(known.find('cart', 'one')?.session.version, 1)
  assert.is(known.find('cart', 'other'), undefined)
  assert.is(known.find('cart', undefined), undefined)
  assert.is(known.find('none', undefined), undefined)
})

test('an answer that comes late does not take the place of a newer row', () => {
  const known = createKnownRows()
  known.note(rowOf({ version: 3 }), 'one')
  known.note(rowOf({ version: 2 }), 'one')
  assert.is(known.find('cart', 'one')?.session.version, 3)
  known.note(rowOf({ version: 1, number: 8 }), 'one')
  assert.is(known.find('cart', 'one')?.session.version, 1)
  known.note(rowOf({ version: 1 }), 'other')
  assert.is(known.find('cart', 'other')?.number, 7)
})

test('what has ended, has no number yet, or is of an unknown server is not known', () => {
  const known = createKnownRows()
  known.note(endedRow(rowOf({ version: 1 }), 'logout', 0), 'one')
  known.note(rowOf({ version: 1, number: 0 }), 'one')
  known.note(rowOf({ version: 1 }), undefined)
  assert.is(known.find('cart', 'one'), undefined)
})

test('a row is known until it has aged twice', () => {
  const known = createKnownRows()
  known.note(rowOf({ version: 1 }), 'one')
  known.age()
  known.age()
  assert.is(known.find('cart', 'one'), undefined)
})

test('many large sessions take no more than some megabytes', () => {
  const known = createKnownRows()
  const data = JSON.stringify({ text: 'x'.repeat(64_000) })
  const count = 1_000
  for (let n = 0; n < count; n++) known.note(rowOf({ id: `large-${n}`, data, version: 1 }), 'one')
  const kept = Array.from({ length: count }, (_, n) => known.find(`large-${n}`, 'one'))
  const rows = kept.filter((row) => row !== undefined).length
  assert.ok(rows > 50 && rows * data.length < 20 * 1024 * 1024, `${rows} rows`)
})

test.run()

type Given = {
  readonly version: number
  readonly number?: number
  readonly id?: string
  readonly data?: string
}

function rowOf({ version, number = 7, id = 'cart', data = '{}' }: Given): Row {
  return { ...liveRow(sessionAt(0, { id, data, version }), undefined), number }
}
