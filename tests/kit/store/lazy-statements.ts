import type Database from 'better-sqlite3'

/**
 * The same database, whose statements are prepared at their first use: a test uses few of them, and to
 * prepare all takes longer than all else that it opens.
 */
export function prepareLazily(database: Database.Database): Database.Database {
  const prepare = database.prepare.bind(database)
  const lazily = (text: string) => createLazily(() => prepare(text))
  return Object.assign(database, { prepare: lazily as Database.Database['prepare'] })
}

const MODES = ['raw', 'pluck', 'expand', 'safeIntegers'] as const

function createLazily(prepare: () => Database.Statement): Database.Statement {
  let prepared: Database.Statement | undefined
  return new Proxy({} as Database.Statement, {
    get(_, name) {
      const mode = MODES.find((one) => one === name)
      if (prepared === undefined && mode !== undefined) {
        return () => createLazily(() => prepare()[mode]())
      }
      prepared ??= prepare()
      const part: unknown = Reflect.get(prepared, name)
      return typeof part === 'function' ? part.bind(prepared) : part
    },
  })
}
