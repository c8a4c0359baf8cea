/** The real process over a real socket, as its operator and its clients meet it. */
import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { put, stop } from '../kit/process/drive-server.ts'
import { makeFolder, runServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('server')

test("server refuses another program's database and leaves it as it was", async () => {
  const path = join(makeFolder(), 'other.db')
  new Database(path).exec('create table theirs (a); insert into theirs values (1)').close()
  const before = readFileSync(path)
  const { code, stderr } = await runServer(['--data', path])
  assert.is(code, 65)
  assert.match(stderr, 'another program')
  assert.equal(readFileSync(path), before)
})

test('server refuses a database of a newer Coatcheck and leaves it as it was', async () => {
  const path = join(makeFolder(), 'sessions.db')
  await stop(await spawnServer(['--data', path]))
  const database = new Database(path)
  database.pragma('user_version = 999')
  database.close()
  const before = readFileSync(path)
  const { code, stderr } = await runServer(['--data', path])
  assert.is(code, 65)
  assert.match(stderr, 'newer Coatcheck')
  assert.equal(readFileSync(path), before)
})

test('server refuses a damaged database and leaves it as it was', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  await put(server, '/session/user', '"ada"')
  await stop(server)
  const bytes = readFileSync(path)
  bytes.fill(0xa5, 4096 + 8, 4096 + 512)
  writeFileSync(path, bytes)
  const { code, stderr } = await runServer(['--data', path])
  assert.is(code, 65)
  assert.match(stderr, 'damaged')
  assert.equal(readFileSync(path), bytes)
})

test('server refuses a folder that it cannot write to', async () => {
  const folder = makeFolder()
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  const { code, stderr } = await runServer(['--data', join(file, 'sessions.db')])
  assert.is(code, 73)
  assert.match(stderr, 'must be writable')
})

test('server refuses a file that another server has open', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const first = await spawnServer(['--data', path])
  const { code, stderr } = await runServer(['--data', path, '--port', '0'])
  assert.is(code, 75)
  assert.match(stderr, 'another Coatcheck server')
  await stop(first)
  await stop(await spawnServer(['--data', path]))
})

test('server refuses a file that has two names, whichever is given', async () => {
  const path = join(makeFolder(), 'sessions.db')
  await stop(await spawnServer(['--data', path]))
  const other = join(makeFolder(), 'other.db')
  linkSync(path, other)
  for (const data of [path, other]) {
    const { code, stderr } = await runServer(['--data', data])
    assert.is(code, 75)
    assert.match(stderr, 'hard links')
  }
  rmSync(other)
  await stop(await spawnServer(['--data', path]))
})

test('server refuses a pipe in place of a file, and does not wait for it', async () => {
  const path = join(makeFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const { code, stderr } = await runServer(['--data', path])
  assert.is(code, 73)
  assert.match(stderr, 'it must be a file')
})

test('server refuses a file with the marks of ours and no tables', async () => {
  const path = join(makeFolder(), 'sessions.db')
  await stop(await spawnServer(['--data', path]))
  const database = new Database(path)
  for (const table of ['sessions', 'tombstones', 'api_keys', 'outside_changes']) {
    database.exec(`drop table ${table}`)
  }
  database.close()
  const { code, stderr } = await runServer(['--data', path])
  assert.is(code, 65)
  assert.match(stderr, 'damaged')
})

test('server refuses a disk on which files cannot grow', async () => {
  for (const bytes of [65_536, 1_048_576, 4_194_304]) {
    const path = join(makeFolder(), 'sessions.db')
    const given = ['--data', path, '--port', '0']
    const { code, stderr } = await runServer(given, {}, ['prlimit', `--fsize=${bytes}`])
    assert.is(code, 74)
    assert.match(stderr, /^Cannot open .*the disk (fails|is full)/)
  }
})

test('server goes on when nobody reads its output any more', async () => {
  const server = await spawnServer(['--data', join(makeFolder(), 'sessions.db')])
  server.closeOutput()
  for (let wrong = 0; wrong < 3; wrong++) {
    const headers = { authorization: 'Bearer ck_wrong' }
    assert.is((await fetch(`${server.url}/sessions`, { headers })).status, 401)
  }
  assert.is((await fetch(`${server.url}/healthz`)).status, 200)
  await stop(server)
})

test('server ends with 74 when its file is removed from under it', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  rmSync(path)
  const { code, stderr } = await server.ended
  assert.is(code, 74)
  assert.match(stderr, 'removed')
})

test('server refuses an address that is taken, and lets go of its file', async () => {
  const first = await spawnServer(['--data', join(makeFolder(), 'sessions.db')])
  const path = join(makeFolder(), 'sessions.db')
  const { code, stderr } = await runServer(['--data', path, '--port', new URL(first.url).port])
  assert.is(code, 69)
  assert.match(stderr, 'EADDRINUSE')
  await stop(first)
  await stop(await spawnServer(['--data', path]))
})

test('server keeps its file from other users', async () => {
  const path = join(makeFolder(), 'new', 'sessions.db')
  const server = await spawnServer(['--data', path])
  await put(server, '/session/user', '"ada"')
  assert.is(statSync(path).mode & 0o777, 0o600)
  assert.is(statSync(`${path}-wal`).mode & 0o777, 0o600)
  await stop(server)
})

test('server listens on a unix socket, and again where a killed one has left its file', async () => {
  const folder = makeFolder()
  const socketPath = join(folder, 'coatcheck.sock')
  const data = join(folder, 'sessions.db')
  const server = await spawnServer(['--data', data, '--listen', `unix:${socketPath}`])
  assert.is(server.url, `unix:${socketPath}`)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    httpRequest({ socketPath, path: '/session' }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
  assert.is(status, 404)
  server.kill('SIGKILL')
  await server.ended
  assert.ok(existsSync(socketPath))
  await stop(await spawnServer(['--data', data, '--listen', `unix:${socketPath}`]))
})

test('server has every acknowledged write after kill -9 in the middle of many', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const server = await spawnServer(['--data', path])
  const acknowledged = new Map<string, string>()
  let writing = true
  const clients = Array.from({ length: 16 }, async (_, client) => {
    for (let n = 0; writing; n++) {
      try {
        const cookie = await put(server, `/session/k${client}`, String(n))
        acknowledged.set(cookie, `k${client}=${n}`)
      } catch {
        return
      }
    }
  })
  while (acknowledged.size < 2_000) await sleep(5)
  server.kill('SIGKILL')
  await Promise.all(clients)
  writing = false

  const again = await spawnServer(['--data', path])
  const missing = []
  for (const [cookie, expected] of acknowledged) {
    const [key = '', value] = expected.split('=')
    const response = await fetch(`${again.url}/session/${key}`, { headers: { cookie } })
    const found = (await response.text()).trimEnd()
    if (found !== value) missing.push(`${expected}: ${response.status} ${found}`)
  }
  assert.equal(missing, [])
  await stop(again)
})

test('server loses no update of many clients on one session', async () => {
  const server = await spawnServer(['--data', join(makeFolder(), 'sessions.db')])
  const cookie = await put(server, '/session/start', '1')
  const headers = { cookie }
  await Promise.all(
    Array.from({ length: 25 }, async (_, n) => {
      const answer = await fetch(`${server.url}/session/key-${n}`, {
        method: 'PUT',
        body: String(n),
        headers,
      })
      assert.is(answer.status, 204)
    }),
  )
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      for (let n = 0; n < 20; n++) {
        const body = '{"increment":1}'
        await fetch(`${server.url}/session/hits`, { method: 'PATCH', body, headers })
      }
    }),
  )
  const pops = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const answer = await fetch(`${server.url}/session/start`, { method: 'DELETE', headers })
      return answer.status
    }),
  )
  assert.equal(pops.sort(), [200, ...Array.from({ length: 19 }, () => 404)])
  const { data } = (await (await fetch(`${server.url}/session`, { headers })).json()) as {
    data: Record<string, number>
  }
  assert.is(data['hits'], 1_000)
  assert.is(Object.keys(data).length, 26)
  await stop(server)
})

test.run()
