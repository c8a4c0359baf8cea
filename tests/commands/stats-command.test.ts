import { statSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { statsCommand } from '../../lib/commands/stats.ts'
import type { Statistics } from '../../lib/store/inspection.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { DAY, HOUR } from '../kit/store/limits.ts'
import { runHere } from '../kit/process/run-here.ts'
import { idOf, makeSessionFile, tamper } from '../kit/store/session-file.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('stats command')

test('stats with words that make no sense is refused, and a file that is not there is told', async () => {
  const path = makeSessionFile(1)
  assert.match((await runHere(statsCommand, ['x', '--data', path])).refusal, /usage: stats/)
  const none = join(makeFolder(), 'none')
  assert.is((await runHere(statsCommand, ['--data', none])).fault, 'missing')
})

test('stats counts live and expired sessions, by age, and the ended by reason', async () => {
  const clock = createFakeClock()
  const path = makeSessionFile(10, { now: clock.now() })
  tamper(
    path,
    `update sessions set created_at = created_at - ${2 * HOUR} where id in ('${idOf(1)}', '${idOf(2)}');
     update sessions set created_at = created_at - ${40 * DAY},
       lifetime_ms = lifetime_ms + ${40 * DAY} where id = '${idOf(3)}';
     update sessions set last_seen_at = ${clock.now()}, idle_timeout_ms = 0 where id = '${idOf(4)}';
     insert into tombstones (id, reason, ended_at, checksum) values ('a', 'logout', 1, 0), ('b', 'logout', 1, 0), ('c', 'idle_timeout', 1, 0)`,
  )
  const statistics = await stats(path)
  assert.is(statistics.sessions.live, 9)
  assert.is(statistics.sessions.expired, 1)
  assert.is(statistics.sessions.permanent, 2)
  assert.equal(
    statistics.byAge.map(({ live }) => live),
    [6, 2, 0, 0, 1],
  )
  assert.equal(statistics.ended, { idle_timeout: 1, logout: 2 })
})

test('stats names the largest sessions and the users with the most, and shows no data', async () => {
  const path = makeSessionFile(20)
  const big = `{"secret":"${'é'.repeat(5_000)}"}`
  tamper(path, `update sessions set data = '${big}' where id = '${idOf(8)}'`)
  const statistics = await stats(path)
  assert.equal(statistics.largest[0], { id: idOf(8), bytes: Buffer.byteLength(big) + 2 })
  assert.is(statistics.largest.length, 10)
  assert.equal(statistics.topSubs, [
    { sub: 'user-1', sessions: 4 },
    { sub: 'user-0', sessions: 3 },
    { sub: 'user-2', sessions: 3 },
  ])
  const { out } = await runHere(statsCommand, ['--data', path])
  assert.match(out, new RegExp(`${idOf(8)} +10,0`))
  assert.match(out, /^Sessions\n {2}live +20\n/)
  assert.not.match(out, /secret|kept|itself|é/)
})

test('stats shows a user whose name could draw on the terminal as JSON', async () => {
  const path = makeSessionFile(2)
  tamper(path, `update sessions set sub = char(27) || '[2J' where id = '${idOf(1)}'`)
  const { out } = await runHere(statsCommand, ['--data', path])
  assert.match(out, /"\\u001b\[2J" +1/)
})

test('stats of a file without sessions has nothing but zeros', async () => {
  const statistics = await stats(makeSessionFile(0))
  assert.equal(statistics.sessions, { live: 0, expired: 0, permanent: 0, bytes: 0 })
  assert.equal([statistics.ended, statistics.topSubs, statistics.largest], [{}, [], []])
})

test('stats beside a server counts what it has just answered, and leaves its WAL alone', async () => {
  const path = makeSessionFile(100)
  const server = await spawnServer(['--data', path])
  await (await fetch(`${server.url}/session/k`, { method: 'PUT', body: '1' })).text()
  const wal = statSync(`${path}-wal`).size
  const runs = await Promise.all([1, 2].map(() => runServer(['stats', '--json', '--data', path])))
  const [first]: Statistics[] = runs.map(({ stdout }) => JSON.parse(stdout))
  assert.is(statSync(`${path}-wal`).size, wal)
  server.kill('SIGTERM')
  await server.ended
  assert.equal(
    runs.map(({ code }) => code),
    [0, 0],
  )
  assert.is(first?.sessions.live, 101)
  assert.is(first?.file?.walBytes, wal)
})

async function stats(path: string): Promise<Statistics> {
  const { code, out, refusal } = await runHere(statsCommand, ['--json', '--data', path])
  assert.is(code, 0, refusal)
  return JSON.parse(out)
}

test.run()
