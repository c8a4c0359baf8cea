/** Files that other programs cut short or write into while the server runs: it ends, and says why. */
import { copyFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeSessions } from '../../kit/process/acknowledged-writes.ts'
import { makeFolder, type RunningServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('cut files')

const COUNT = 20

type Case = {
  readonly what: string
  readonly damage: (path: string) => void
  readonly says: RegExp
}

const CASES: readonly Case[] = [
  {
    what: 'the data file is emptied',
    damage: (path) => truncateSync(path),
    says: /The data file \S+ was cut short by another program/,
  },
  {
    what: 'the data file loses its end',
    damage: (path) => truncateSync(path, 8_192),
    says: /The data file \S+ was cut short by another program/,
  },
  {
    what: 'a database of another program is copied over the data file',
    damage(path) {
      const other = new Database(`${path}.other`)
      other.exec('create table t (a); insert into t values (zeroblob(500000))')
      other.close()
      copyFileSync(`${path}.other`, path)
    },
    says: /The data file \S+ was overwritten by another program/,
  },
  {
    what: 'the log is emptied',
    damage: (path) => truncateSync(`${path}-wal`),
    says: /The WAL \S+-wal was cut short or overwritten by another program/,
  },
  {
    what: 'the log is overwritten',
    damage: (path) => writeFileSync(`${path}-wal`, Buffer.alloc(1_000_000)),
    says: /The WAL \S+-wal was cut short or overwritten by another program/,
  },
]

for (const { what, damage, says } of CASES) {
  test(`server ends with 74 where ${what}`, async () => {
    const path = join(makeFolder(), 'sessions.db')
    const server = await spawnServer(['--data', path])
    await writeSessions(server, COUNT)
    damage(path)
    const { code, stderr } = await server.ended
    assert.is(code, 74, stderr)
    assert.match(stderr, says)
  })
}

test('a log that is cut short and written on is found out, although it is as long as before', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  await writeSessions(server, COUNT)
  // Seen once as it was: what is cut off of it now is a hole between what was and what comes.
  await looks(server, 2)
  truncateSync(`${path}-wal`, 20_000)
  await writeSessions(server, 5).catch(() => {})
  const { code, stderr } = await server.ended
  assert.is(code, 74, stderr)
})

test('other programs that move, empty and shorten log and file in SQLite’s own way are no fault', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  const theirs = new Database(path, { timeout: 5_000 })
  theirs.pragma('wal_autocheckpoint = 10')
  for (let round = 0; round < 40; round++) {
    await writeSessions(server, 10)
    for (const mode of ['passive', 'restart', 'truncate']) {
      theirs.pragma(`wal_checkpoint(${mode})`)
      await writeSessions(server, 1)
    }
    if (round % 10 === 0) {
      theirs.exec('create table theirs (a); insert into theirs values (zeroblob(3000000))')
      theirs.exec('drop table theirs; vacuum')
      utimesSync(path, 1, 1)
    }
  }
  theirs.close()
  await looks(server, 2)
  assert.not.match(server.stderr(), 'failed')
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0, server.stderr())
})

/** Resolves after so many looks of the server, which has one a second. */
async function looks(server: RunningServer, count: number): Promise<void> {
  const until = performance.now() + (count + 0.2) * 1_000
  while (performance.now() < until) await fetch(`${server.url}/healthz`)
}

test.run()
