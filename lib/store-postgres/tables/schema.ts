/** The tables, made and brought up to date by whichever process comes first. */
import { listAssets, readAsset } from '../../base/assets.ts'
import { OpenError } from '../../store/open-error.ts'
import type { Connection } from '../connection/connection.ts'
import { StatementError } from '../connection/failures.ts'

/** A migration never changes once released; its number is its place. */
export function readMigrations(): readonly string[] {
  return listAssets(MIGRATIONS).map(readAsset)
}

const MIGRATIONS = 'lib/store-postgres/tables/migrations/'

const MAKE_TABLE =
  'create table if not exists coatcheck_schema (n integer not null primary key, version integer not null)'
/** The row is what processes that start together wait for. */
const MAKE_ROW = 'insert into coatcheck_schema values (1, 0) on conflict do nothing'
const FIND_ROW = 'select version from coatcheck_schema where n = 1'
const HOLD = `${FIND_ROW} for update`
/**
 * Two that make the same table at the same moment, `if not exists` or not: one of them is told that a key
 * of a catalog, a table or a type is taken, that another has changed a row of a catalog (XX000, "tuple
 * concurrently updated"), or to try again; and finds the table made.
 */
const MADE_BY_OTHERS = ['23505', '42P07', '42710', 'XX000', '40001', '40P01']
const MOST_TRIES = 20

/** Throws where the tables are of a newer Coatcheck. Makes nothing that is there: its user may lack the right. */
export async function migrate(
  connection: Pick<Connection, 'ask'>,
  migrations: readonly string[] = readMigrations(),
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      if (!(await isMigrated(connection))) await run(connection, MAKE_TABLE)
      const { rows } = await run(connection, FIND_ROW)
      if (rows.length === 0) await run(connection, MAKE_ROW)
      await bringUpToDate(connection, migrations)
      return
    } catch (error) {
      const isOthers = error instanceof StatementError && MADE_BY_OTHERS.includes(error.code)
      if (!isOthers || tries === MOST_TRIES) throw error
    }
  }
}

/** Whether there are tables of Coatcheck's. */
export async function isMigrated(connection: Pick<Connection, 'ask'>): Promise<boolean> {
  const { rows } = await run(connection, "select to_regclass('coatcheck_schema') is not null")
  return rows[0]?.[0] === true
}

async function bringUpToDate(
  connection: Pick<Connection, 'ask'>,
  migrations: readonly string[],
): Promise<void> {
  await run(connection, 'begin isolation level read committed')
  try {
    const { rows } = await run(connection, HOLD)
    const version = Number(rows[0]?.[0])
    if (version > migrations.length) {
      throw new OpenError(
        'newer',
        `Cannot use the database: its tables are of version ${version}, this Coatcheck knows up to ` +
          `${migrations.length}; start a newer one`,
      )
    }
    for (const migration of migrations.slice(version)) {
      for (const text of statementsOf(migration)) await run(connection, text)
    }
    if (version < migrations.length) {
      await run(connection, `update coatcheck_schema set version = ${migrations.length}`)
    }
    await run(connection, 'commit')
  } catch (error) {
    await run(connection, 'rollback').catch(() => {})
    throw error
  }
}

/** One at a time: an unnamed statement is not kept, and may be anything. */
function run(connection: Pick<Connection, 'ask'>, text: string) {
  return connection.ask({ name: '', text })
}

/** A line that ends in a semicolon ends a statement. */
function statementsOf(migration: string): string[] {
  return migration
    .replaceAll(/^ *--.*$/gm, '')
    .split(/;\s*$/m)
    .map((text) => text.trim())
    .filter((text) => text !== '')
}
