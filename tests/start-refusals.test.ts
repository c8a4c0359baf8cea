/** Places where no data file can be, told as what they are; and a lock that others cannot take. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lockDatabase } from '../lib/store/lock.ts'
import { asStartError, StartError } from '../lib/store/start-error.ts'
import { makeSessionFile } from './support/session-file.ts'
import { makeFolder, runServer, spawnServer } from './support/spawn-server.ts'

const test = suite('start refusals')

test('a folder without shared memory is told as such, with the way out, and is no failing disk', () => {
  for (const code of ['SQLITE_IOERR_SHMMAP', 'SQLITE_IOERR_SHMLOCK']) {
    const error = asStartError(
      '/data/sessions.db',
      new Database.SqliteError('disk I/O error', code),
    )
    assert.ok(error instanceof StartError && error.fault === 'unwritable')
    assert.match(error.message, /share memory.*network.*--data/)
  }
  const disk = asStartError('/d', new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_READ'))
  assert.ok(disk instanceof StartError && disk.fault === 'disk_failed')
})

test('a folder that cannot be made is told in one line, by whatever opens the file', async () => {
  const bounded = ['timeout', '-s', 'KILL', '20']
  for (const path of ['/proc/foo/a.db', '/proc/foo/bar/a.db', '/sys/foo/a.db', '/dev/null/a.db']) {
    const backup = makeSessionFile(1)
    for (const words of [['--port', '0'], ['import'], ['restore', backup]]) {
      const { code, stderr } = await runServer([...words, '--data', path], {}, bounded)
      assert.is(code, 73, `${path} ${words.join(' ')}: ${stderr}`)
      assert.match(stderr, new RegExp(`^Cannot open ${path}: [^\\n]*--data\\)\n$`))
    }
  }
})

test('folders that are not there are made, for this user alone', async () => {
  const folder = join(makeFolder(), 'a')
  const path = join(folder, 'b', 'sessions.db')
  const { code } = await runServer(['import', '--lenient', '--data', path])
  assert.is(code, 0)
  assert.is(statSync(folder).mode & 0o777, 0o700)
  assert.is(statSync(join(folder, 'b')).mode & 0o777, 0o700)
})

test('every file beside the data is for its own user alone, whatever the umask', async () => {
  const path = join(makeFolder(), 'sessions.db')
  const under = ['sh', '-c', 'umask 000; exec "$@"', 'sh']
  const server = await spawnServer(['--data', path], {}, under)
  for (const end of ['', '-wal', '-shm', '.lock', '.reserve', '.api-key']) {
    assert.ok(existsSync(path + end), end)
    assert.is(statSync(path + end).mode & 0o777, 0o600, end)
  }
  const backup = join(makeFolder(), 'backup.db')
  assert.is((await runServer(['backup', backup, '--data', path], {}, under)).code, 0)
  assert.is(statSync(backup).mode & 0o777, 0o600)
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('a lock that everybody could read, from an older Coatcheck, is closed to others', () => {
  const path = makeSessionFile(1)
  writeFileSync(`${path}.lock`, '')
  chmodSync(`${path}.lock`, 0o644)
  lockDatabase(path)()
  assert.is(statSync(`${path}.lock`).mode & 0o777, 0o600)
})

test('a refused start leaves nothing beside a file of others, and a lock that was there', async () => {
  const folder = makeFolder()
  const path = join(folder, 'notes.md')
  writeFileSync(path, '# Notes\n'.repeat(200))
  assert.is((await runServer(['--data', path, '--port', '0'])).code, 65)
  assert.equal(readdirSync(folder), ['notes.md'])

  const target = join(folder, 'sessions.db')
  assert.is((await runServer(['restore', path, '--data', target])).code, 65)
  assert.equal(readdirSync(folder), ['notes.md'])

  writeFileSync(`${path}.lock`, '')
  assert.is((await runServer(['--data', path, '--port', '0'])).code, 65)
  assert.equal(readdirSync(folder), ['notes.md', 'notes.md.lock'])
})

test('a lock is held by one alone, whoever was refused meanwhile and removed it', () => {
  const path = makeSessionFile(1)
  rmSync(`${path}.lock`, { force: true })
  const refuse = lockDatabase(path)
  assert.throws(() => lockDatabase(path), /another Coatcheck server has it open/)
  refuse(true)
  assert.not.ok(existsSync(`${path}.lock`))
  const unlock = lockDatabase(path)
  assert.throws(() => lockDatabase(path), /another Coatcheck server has it open/)
  unlock()
  assert.ok(existsSync(`${path}.lock`))
})

test('another user cannot hold the lock and so keep the server from starting', async () => {
  const path = makeSessionFile(1)
  lockDatabase(path)()
  chmodSync(join(path, '..'), 0o755)
  const nobody = spawn('sqlite3', [`${path}.lock`, 'begin; select * from sqlite_schema;'], {
    uid: process.getuid?.() === 0 ? 65_534 : process.getuid?.(),
    stdio: 'ignore',
  })
  const code = await new Promise((resolve) => {
    nobody.once('error', () => resolve(undefined))
    nobody.once('close', resolve)
  })
  if (process.getuid?.() === 0 && code !== undefined) assert.is.not(code, 0)
  const server = await spawnServer(['--data', path])
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test.run()
