/** What is left to do when the disk is full, or a reader keeps the log: log-outs, reads, and to recover. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openSmallDisk } from '../../kit/process/small-disk.ts'
import { makeFolder, type RunningServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('scarce space')
const BIG = JSON.stringify('x'.repeat(20_000))

test('on a full disk reads, log-outs and expiry go on; writes come back when there is space', async () => {
  const { folder, unmount } = openSmallDisk(12 * 1024)
  const data = join(folder, 'sessions.db')
  const server = await spawnServer([
    '--data',
    data,
    '--idle-timeout',
    '8s',
    '--sweep-interval',
    '1s',
  ])
  const kept = cookieOf(await ask(server, 'PUT', '/session/big', '', BIG))
  const cookies = await fillUp(server, () => ask(server, 'HEAD', '/session/big', kept))
  assert.ok(cookies.length > 50, `${cookies.length}`)
  const ballast = join(folder, 'ballast')
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'])

  // A log-out each, more of them than fit into one log.
  const leaving = cookies.slice(-40)
  for (const cookie of leaving) {
    const out = await ask(server, 'DELETE', '/session', cookie)
    assert.is(out.status, 204, await out.text())
    assert.is((await ask(server, 'GET', '/session', cookie)).status, 410)
  }
  assert.ok(await holdsBig(server, kept))
  assert.is((await ask(server, 'PUT', '/session/k', kept, '1')).status, 507)
  await until(async () => (await healthOf(server)).storage === 'disk_full')
  assert.is((await healthOf(server)).status, 'degraded')
  await until(async () =>
    server.stderr().includes('"event":"storage_degraded","reasons":"disk_full'),
  )

  // All but one expire and are swept while the disk is full: what is swept is gone from the file.
  await until(async () => {
    await ask(server, 'GET', '/session/big', kept)
    return /"event":"swept"/.test(server.stderr())
  })
  assert.is((await ask(server, 'GET', '/session/big', kept)).status, 200)

  rmSync(ballast)
  const freedAt = performance.now()
  await until(async () => (await ask(server, 'PUT', '/session/k', kept, '1')).status === 204)
  assert.ok(performance.now() - freedAt < 5_000)
  await until(async () => (await healthOf(server)).status === 'ok')
  server.kill('SIGKILL')
  await server.ended

  const again = await spawnServer(['--data', data])
  for (const cookie of leaving) {
    assert.is((await ask(again, 'GET', '/session', cookie)).status, 410)
  }
  assert.ok(await holdsBig(again, kept))
  again.kill('SIGTERM')
  await again.ended
  unmount()
})

test('server starts on a disk that is full, with the space that it kept', async () => {
  const { folder, unmount } = openSmallDisk(12 * 1024)
  const data = join(folder, 'sessions.db')
  const first = await spawnServer(['--data', data])
  const cookie = cookieOf(await ask(first, 'PUT', '/session/k', '', '1'))
  first.kill('SIGTERM')
  await first.ended
  spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'ballast')}`, 'bs=4k'])

  const server = await spawnServer(['--data', data])
  assert.is((await ask(server, 'GET', '/session/k', cookie)).status, 200)
  const cookies = [cookie, ...(await fillUp(server))]
  for (const leaving of cookies) {
    assert.is((await ask(server, 'DELETE', '/session', leaving)).status, 204)
  }
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
  unmount()
})

test('a program that reads for long makes the log long, and no longer than its limit', async () => {
  const data = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', data, '--wal-limit', '4MiB'])
  const cookie = cookieOf(await ask(server, 'PUT', '/session/big', '', BIG))
  const reader = new Database(data, { readonly: true })
  reader.exec('begin')
  reader.prepare('select count(*) from sessions').get()

  await until(async () => (await ask(server, 'PUT', '/session/big', cookie, BIG)).status === 503)
  const refused = await ask(server, 'PUT', '/session/big', cookie, BIG)
  assert.match(await refused.text(), '(--wal-limit)')
  assert.ok(refused.headers.has('retry-after'))
  await until(async () => (await healthOf(server)).storage === 'wal_full')
  assert.is((await healthOf(server)).status, 'degraded')
  await until(async () =>
    server.stderr().includes('"event":"storage_degraded","reasons":"wal_full'),
  )
  // Whoever runs it looks at the dashboard just then.
  const key = readFileSync(`${data}.api-key`, 'utf8')
  const login = await fetch(`${server.url}/dashboard/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ key }),
  })
  assert.is(login.status, 303)
  const length = statSync(`${data}-wal`).size
  const another = await ask(server, 'DELETE', '/session', cookie)
  assert.is(another.status, 204)
  assert.ok(statSync(`${data}-wal`).size < length + 200_000)

  reader.close()
  await until(async () => (await ask(server, 'PUT', '/session/k', '', '1')).status === 204)
  await until(async () => (await healthOf(server)).status === 'ok')
  assert.ok(statSync(`${data}-wal`).size <= 4 * 1024 * 1024)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('a reserve that is left from before is used', async () => {
  const data = join(makeFolder(), 'sessions.db')
  writeFileSync(`${data}.reserve`, Buffer.alloc(100))
  const server = await spawnServer(['--data', data])
  assert.ok(statSync(`${data}.reserve`).size > 1_000_000)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

/** Writes sessions until the disk is full; their cookies. */
async function fillUp(
  server: RunningServer,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<string[]> {
  const cookies: string[] = []
  for (;;) {
    await meanwhile()
    const answer = await ask(server, 'PUT', '/session/big', '', BIG)
    if (answer.status === 507) {
      assert.ok(answer.headers.has('retry-after'))
      return cookies
    }
    assert.is(answer.status, 204)
    cookies.push(cookieOf(answer))
  }
}

async function holdsBig(server: RunningServer, cookie: string): Promise<boolean> {
  return (await (await ask(server, 'GET', '/session/big', cookie)).text()) === `${BIG}\n`
}

function ask(server: RunningServer, method: string, path: string, cookie: string, body?: string) {
  const headers = { 'content-type': 'application/json', ...(cookie !== '' && { cookie }) }
  return fetch(`${server.url}${path}`, { method, headers, ...(body !== undefined && { body }) })
}

function cookieOf(answer: Response): string {
  return answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
}

async function healthOf(server: RunningServer): Promise<{ status: string; storage: string }> {
  const answer = await fetch(`${server.url}/healthz`)
  assert.is(answer.status, 200)
  const { status, storage }: { status: string; storage: string } = JSON.parse(await answer.text())
  return { status, storage }
}

/** Asks again and again until it is so, for at most 20 s. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now()
  while (!(await isSo())) {
    if (performance.now() - startedAt > 20_000) throw new Error('It has never come to be so')
    await nextTurn()
  }
}

test.run()
