import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Statement } from '../../lib/store-postgres/connection/connection.ts'
import { StatementError } from '../../lib/store-postgres/connection/failures.ts'
import { migrate } from '../../lib/store-postgres/tables/schema.ts'

const test = suite('the tables of a database')

type Refusal = { readonly words: RegExp; readonly code: string; readonly times: number }

/**
 * A database with as many migrations as `version` says, undefined for no tables. Others make them
 * while this one's statement is refused.
 */
function openDatabase(version: number | undefined, refusals: readonly Refusal[] = []) {
  const left = refusals.map((refusal) => ({ ...refusal }))
  const asked: string[] = []
  let hasTable = version !== undefined
  let held = version
  const ask = async ({ text }: Statement) => {
    asked.push(text)
    const refusal = left.find(({ words, times }) => times > 0 && words.test(text))
    if (refusal !== undefined) {
      refusal.times--
      hasTable = true
      throw new StatementError(refusal.code, 'refused', true)
    }
    if (/^create table if not exists coatcheck_schema/.test(text)) hasTable = true
    if (/^insert into coatcheck_schema/.test(text)) held ??= 0
    const [, set] = /^update coatcheck_schema set version = (\d+)/.exec(text) ?? []
    if (set !== undefined) held = Number(set)
    const found = /^select version/.test(text) && held !== undefined ? [[held]] : []
    const rows = /to_regclass/.test(text) ? [[hasTable]] : found
    return { rows, count: rows.length, command: '', server: 'one' }
  }
  return { ask, asked, version: () => held }
}

/** The SQLSTATE with which it fails, else that it is done. */
async function outcomeOf({ ask }: Pick<ReturnType<typeof openDatabase>, 'ask'>): Promise<string> {
  try {
    await migrate({ ask }, MIGRATIONS)
    return 'done'
  } catch (error) {
    if (error instanceof StatementError) return error.code
    throw error
  }
}

const MIGRATIONS = ['create table one (n int);', 'create table two (n int);\ndrop table one;']
const MAKING = /^create table if not exists coatcheck_schema/

test('tables are made in an empty database, and brought up to date where they are older', async () => {
  for (const [before, made] of [
    [undefined, 3],
    [0, 3],
    [1, 2],
    [2, 0],
  ] as const) {
    const { ask, asked, version } = openDatabase(before)
    await migrate({ ask }, MIGRATIONS)
    assert.is(version(), 2)
    assert.is(asked.filter((text) => / table (one|two)/.test(text)).length, made)
    assert.is(asked.at(-1), 'commit')
  }
})

test('a database that has its tables is not asked to make any: its user may lack the right', async () => {
  const refusals = [{ words: /^create/, code: '42501', times: Infinity }]
  assert.is(await outcomeOf(openDatabase(2, refusals)), 'done')
  assert.is(await outcomeOf(openDatabase(undefined, refusals)), '42501')
})

test('whoever makes the tables at the same moment as others finds them made', async () => {
  // A name that is taken: in a catalog, as a table, as a type; what others change; what cannot be serialized; a deadlock.
  for (const code of ['23505', '42P07', '42710', 'XX000', '40001', '40P01']) {
    const database = openDatabase(undefined, [{ words: MAKING, code, times: 1 }])
    assert.is(await outcomeOf(database), 'done', code)
    assert.is(database.version(), 2, code)
  }
})

test('where others have made the table and not yet the row, that is made', async () => {
  const refused = { words: MAKING, code: '42P07', times: 1 }
  const database = openDatabase(undefined, [refused, { ...refused, words: /^insert/ }])
  assert.is(await outcomeOf(database), 'done')
  assert.is(database.version(), 2)
})

test('what never gets better is told after a while', async () => {
  for (const code of ['XX000', '40001', '42710']) {
    const refusals = [{ words: /^create table one/, code, times: Infinity }]
    const database = openDatabase(undefined, refusals)
    assert.is(await outcomeOf(database), code)
    assert.is(database.asked.at(-1), 'rollback')
  }
})

test('tables of a newer Coatcheck are left alone', async () => {
  const { ask, asked } = openDatabase(3)
  const refused = await migrate({ ask }, MIGRATIONS).catch((error: unknown) => String(error))
  assert.match(refused ?? '', /version 3, this Coatcheck knows up to 2/)
  assert.is(asked.at(-1), 'rollback')
})

test.run()
