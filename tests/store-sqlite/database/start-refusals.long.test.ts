/** Places where no data file can be, told as what they are; and a lock that others cannot take. */
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lockDatabase } from '../../../lib/store-sqlite/database/lock.ts'
import { asStorageError, StorageError } from '../../../lib/store-sqlite/database/storage-error.ts'
import { idOf, idsIn, makeSessionFile } from '../../kit/store/session-file.ts'
import { makeFolder, runServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('start refusals')

test('a folder without shared memory is told as such, with the way out, and is no failing disk', () => {
  for (const code of ['SQLITE_IOERR_SHMMAP', 'SQLITE_IOERR_SHMLOCK']) {
    const error = asStorageError(
      '/data/sessions.db',
      new Database.SqliteError('disk I/O error', code),
    )
    assert.ok(error instanceof StorageError && error.fault === 'unwritable')
    assert.match(error.message, /share memory.*network/)
    assert.equal(error.way, { setting: 'dataPath' })
  }
  const disk = asStorageError('/d', new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_READ'))
  assert.ok(disk instanceof StorageError && disk.fault === 'disk_failed')
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

const LOCKS: readonly (readonly [what: string, put: (lock: string) => void])[] = [
  ['words', (lock) => writeFileSync(lock, 'garbage')],
  ['more than a page of words', (lock) => writeFileSync(lock, 'garbage\n'.repeat(2000))],
  ['a folder', (lock) => mkdirSync(lock)],
  ['a pipe', (lock) => spawnSync('mkfifo', [lock])],
]

for (const [what, put] of LOCKS) {
  test(`${what} in place of the lock is named as what is wrong, by server and commands`, async () => {
    const path = makeSessionFile(1)
    put(`${path}.lock`)
    const restore = ['restore', makeSessionFile(1)]
    for (const words of [['--port', '0'], ['list'], ['end', idOf(0)], restore]) {
      const { code, stderr } = await runServer([...words, '--data', path])
      // Who reads beside something that is no lock reads as beside no server.
      if (words[0] === 'list') assert.is(code, 0, stderr)
      else {
        assert.is(code, 73, `${words.join(' ')}: ${stderr}`)
        assert.match(stderr, `the lock beside it, ${path}.lock, must be an empty file`)
        assert.match(stderr, 'Move the lock away while no server runs')
      }
    }
  })
}

const RESERVES: readonly (readonly [
  what: string,
  put: (reserve: string, stranger: string, data: string) => void,
])[] = [
  ['another data file', (reserve) => void makeSessionFile(2, { path: reserve })],
  ['zeros with a word at the end', (reserve) => writeFileSync(reserve, `${'\0'.repeat(1e6)}x`)],
  ['more zeros than a reserve has', (reserve) => writeFileSync(reserve, Buffer.alloc(9e6))],
  ['a link to a file of others', (reserve, stranger) => symlinkSync(stranger, reserve)],
  ['a link to a file to come', (reserve) => symlinkSync(`${reserve}.to-come`, reserve)],
  ['a link to the data', (reserve, _, data) => symlinkSync(data, reserve)],
  ['a second name of a file', (reserve, stranger) => linkSync(stranger, reserve)],
  ['a folder', (reserve) => mkdirSync(reserve)],
  ['a pipe', (reserve) => spawnSync('mkfifo', [reserve])],
]

for (const [what, put] of RESERVES) {
  test(`${what} in place of the reserve is left alone, and refused`, async () => {
    const path = makeSessionFile(2)
    const stranger = join(makeFolder(), 'letter')
    writeFileSync(stranger, 'kept')
    put(`${path}.reserve`, stranger, path)
    const isFile = statSync(`${path}.reserve`, { throwIfNoEntry: false })?.isFile() === true
    const before = isFile ? readFileSync(`${path}.reserve`) : undefined
    const { code, stderr } = await runServer(['--data', path, '--port', '0'])
    assert.is(code, 73, stderr)
    assert.match(stderr, `${path}.reserve, by which space on the disk is kept`)
    assert.is(readFileSync(stranger, 'utf8'), 'kept')
    assert.not.ok(existsSync(`${path}.reserve.to-come`))
    if (before !== undefined) assert.equal(readFileSync(`${path}.reserve`), before)
    assert.equal(idsIn(path), [idOf(0), idOf(1)])
  })
}

test('a reserve that a crash left, whole or empty, is taken', async () => {
  for (const bytes of [0, 1, 8 * 1024 * 1024]) {
    const path = makeSessionFile(1)
    writeFileSync(`${path}.reserve`, Buffer.alloc(bytes))
    const server = await spawnServer(['--data', path])
    server.kill('SIGTERM')
    assert.is((await server.ended).code, 0)
  }
})

test('a name that stands beside a data file is no name of one', async () => {
  for (const end of ['.reserve', '.lock', '-wal', '-shm', '-journal']) {
    const path = join(makeFolder(), `sessions.db${end}`)
    for (const words of [['--port', '0'], ['list'], ['restore', makeSessionFile(1)]]) {
      const { code, stderr } = await runServer([...words, '--data', path])
      assert.is(code, 64, `${end}: ${stderr}`)
      assert.match(stderr, '--data must be the path')
      assert.not.ok(existsSync(path))
    }
  }
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
