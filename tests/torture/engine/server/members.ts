/** Where the servers of a run keep its sessions: one of them on a file, or two on one database. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { API_KEY } from '../../../kit/process/open-server.ts'
import { type Cluster, until } from '../../../kit/postgres/cluster.ts'

/** One of the servers, through all of its lives. */
export type Member = {
  /** The flags that make a server this one; `API_KEY` is in force. */
  readonly args: readonly string[]
  /** After a server has died: resolves once nothing is under way any more that it has begun. */
  isQuiet(): Promise<void>
}

/** The one server on a data file of the run's folder. */
export function memberOnFile(folder: string): Member[] {
  const args = ['--data', join(folder, 'sessions.db'), ...withKey(folder)]
  return [{ args, isQuiet: async () => {} }]
}

const MEMBERS = 2

/** Two servers on an empty database of this cluster, and each a user of its own, to tell them apart by. */
export async function membersOnDatabase(cluster: Cluster, folder: string): Promise<Member[]> {
  const database = await cluster.createDatabase()
  const users = Array.from({ length: MEMBERS }, (_, n) => `${database}_${n}`)
  for (const user of users) await cluster.query(`create role ${user} superuser login`)
  return users.map((user) => ({
    args: [
      ...['--store', `postgres://${user}@127.0.0.1:${cluster.port}/${database}`],
      ...withKey(folder),
    ],
    // A statement that has come goes on when its client is dead.
    isQuiet: () =>
      until(async () => {
        const work = await cluster.query(`select from pg_stat_activity where usename = '${user}'`)
        if (work.length > 0) throw new Error(`The database still works for ${user}`)
      }),
  }))
}

function withKey(folder: string): string[] {
  const path = join(folder, 'api-key')
  writeFileSync(path, `${API_KEY}\n`, { mode: 0o600 })
  return ['--api-key-file', path]
}
