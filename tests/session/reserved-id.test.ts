import Database from 'better-sqlite3'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isReservedId, isReservedName, reservedId } from '../../lib/session/reserved-id.ts'
import { isFullId } from '../../lib/session/session-id.ts'
import { IS_RESERVED } from '../../lib/store-sqlite/tables/selection.ts'

const test = suite('reserved ids')

const plain = fc.stringMatching(/^[\w-]{7,20}$/)
const id = fc.oneof(
  plain,
  plain.map(reservedId),
  plain.map((text) => `dashboard${text}`),
  plain.map((text) => `dashboard-1~${text}`),
  plain.map((text) => `shop~dashboard-${text}`),
  fc.constantFrom('dashboard-', 'dashboard', 'dashboard.', 'dashboard-~', 'Dashboard-one'),
)

test('an id is reserved by its beginning, in no app', () => {
  assert.is(isReservedId(reservedId('0123456789abcdefghijk')), true)
  assert.is(isFullId(reservedId('0123456789abcdefghijk')), true)
  for (const other of ['dashboard', 'Dashboard-x', 'shop~dashboard-x', 'dashboard-1~x', '']) {
    assert.is(isReservedId(other), false, other)
  }
})

test('nobody may choose such an id, in an app neither', () => {
  assert.is(isReservedName('shop~dashboard-0123456'), true)
  assert.is(isReservedName('dashboard-0123456'), true)
  assert.is(isReservedName('dashboard-1~0123456789abcdef'), false)
})

test('the predicate and that of SQL are the same', () => {
  const database = new Database(':memory:')
  const statement = database
    .prepare<[string], number>(`select ${IS_RESERVED} from (select ? as id)`)
    .pluck()
  fc.assert(fc.property(id, (text) => isReservedId(text) === (statement.get(text) === 1)))
  database.close()
})

test.run()
