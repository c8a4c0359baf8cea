/** Commands that only read need no folder that can be written, and leave nothing anywhere. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../lib/base/clock.ts'
import { commands } from '../../lib/commands/commands.ts'
import { exportCommand } from '../../lib/commands/export.ts'
import { type HereRun, runHere } from '../kit/process/run-here.ts'
import { idOf, idsIn, makeSessionFile, tamper } from '../kit/store/session-file.ts'
import { skip } from '../kit/runner/skip.ts'
import { makeFolder, PROGRAM, spawnServer } from '../kit/process/spawn-server.ts'
import { runTraced } from '../kit/process/traced-run.ts'

const test = suite('read only')

const READS = [['check'], ['stats'], ['list'], ['show', idOf(1)], ['export'], ['key', 'list']]

test('reads of a file of which no server is running leave all as it was, in a folder that can be written', async () => {
  const path = makeSessionFile(3)
  await readsLeaveAll(path)
})

test('reads of a backup leave all as it was', async () => {
  const path = makeSessionFile(3)
  const file = join(makeFolder(), 'b.db')
  assert.is((await run(['backup', file], path)).code, 0)
  await readsLeaveAll(file)
})

test('reads beside a server leave all as it was', async () => {
  const path = makeSessionFile(3)
  const server = await spawnServer(['--data', path])
  for (const words of READS) {
    const before = readdirSync(dirname(path))
    assert.is((await run(words, path)).code, 0, words.join(' '))
    assert.equal(readdirSync(dirname(path)), before, words.join(' '))
  }
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test('reads work on a mount that is read only, of a file with a log or without one', async () => {
  const path = makeSessionFile(3)
  const readOnly = mountReadOnly(dirname(path))
  await readsLeaveAll(join(readOnly.folder, 'sessions.db'))
  readOnly.unmount()

  // What is in the log alone is read, too, whether or not its index has been left beside it.
  const written = await leaveInLog(path)
  for (const index of ['-shm', undefined]) {
    if (index === undefined) spawnSync('rm', [`${path}-shm`])
    const { folder, unmount } = mountReadOnly(dirname(path))
    const there = join(folder, 'sessions.db')
    await readsLeaveAll(there)
    assert.match((await run(['export'], there)).out, written)
    const backup = join(makeFolder(), 'b.db')
    assert.is((await run(['backup', backup], there)).code, 0)
    assert.is(idsIn(backup).length, 4)
    unmount()
  }
})

test('a copy that is read has no name, so that nothing is left of it when the command is killed', async () => {
  const path = makeSessionFile(300)
  const written = await leaveInLog(path, 3)
  // With it, and the log, SQLite can read in place.
  rmSync(`${path}-shm`)
  const { folder, unmount } = mountReadOnly(dirname(path))
  const there = join(folder, 'sessions.db')
  const temporary = makeFolder()
  const usual = process.env['TMPDIR']
  process.env['TMPDIR'] = temporary
  try {
    let out = ''
    const looks: string[][] = []
    await runHere(exportCommand, ['--data', there], {
      clock: systemClock,
      outWhenReady: async (text) => {
        looks.push(readdirSync(temporary))
        out += text
        return true
      },
    })
    assert.ok(looks.length > 0)
    assert.ok(looks.every((names) => names.length === 0))
    assert.is(out.trim().split('\n').length, 303)
    assert.ok(out.includes(written))
    // As it is filled.
    const inject = 'pwrite64:signal=KILL:when=1'
    const { signal } = await runTraced(['export', '--data', there], inject)
    assert.is(signal, 'SIGKILL')
    assert.equal(readdirSync(temporary), [])
  } finally {
    if (usual === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = usual
    unmount()
  }
})

test('reads of a mount that is read only refuse a log that is damaged', async () => {
  const path = makeSessionFile(3)
  await leaveInLog(path, 5)
  const log = readFileSync(`${path}-wal`)
  log.writeUInt8(log.readUInt8(5_000) ^ 1, 5_000)
  writeFileSync(`${path}-wal`, log)
  const { folder, unmount } = mountReadOnly(dirname(path))
  const { fault, refusal } = await run(['list'], join(folder, 'sessions.db'))
  unmount()
  assert.is(fault, 'damaged', refusal)
  assert.match(refusal, 'the WAL beside it')
})

test("reads of another user's file that may be read, in a folder that may not be written", async () => {
  const other = asNobody()
  const path = makeSessionFile(3)
  openToAll(path)
  for (const words of [['check'], ['export']]) {
    const before = stateOf(dirname(path))
    const { status, stderr } = other([...words, '--data', path])
    assert.is(status, 0, `${words.join(' ')}: ${stderr}`)
    assert.equal(stateOf(dirname(path)), before, words.join(' '))
  }
  await leaveInLog(path)
  openToAll(path)
  assert.is(other(['list', '--data', path]).stdout.trim().split('\n').length, 4)
  chmodSync(path, 0o600)
  const refused = other(['list', '--data', path])
  assert.is(refused.status, 73)
  assert.match(refused.stderr, 'this user may not read it')
})

test('a file that may not be read, and one that is missing, are refused on a read-only mount', async () => {
  const path = makeSessionFile(1)
  tamper(path, 'pragma user_version = 99')
  const { folder, unmount } = mountReadOnly(dirname(path))
  const newer = await run(['stats'], join(folder, 'sessions.db'))
  const missing = await run(['stats'], join(folder, 'none.db'))
  const usual = process.env['TMPDIR']
  process.env['TMPDIR'] = join(folder, 'none')
  const nowhere = await run(['stats'], join(folder, 'sessions.db'))
  if (usual === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = usual
  const write = await run(['key', 'new', 'a'], join(folder, 'sessions.db'))
  unmount()
  assert.is(newer.fault, 'newer')
  assert.is(missing.fault, 'missing')
  assert.is(nowhere.fault, 'unwritable')
  assert.match(
    nowhere.refusal,
    /a copy in .*none cannot be made \(ENOENT\); name another folder \(TMPDIR\)/,
  )
  assert.ok(write.fault === 'unwritable' || write.fault === 'newer', write.refusal)
})

async function run([name = '', ...words]: readonly string[], path: string): Promise<HereRun> {
  const command = commands.get(name)
  assert.ok(command !== undefined)
  return await runHere(command, [...words, '--data', path], { clock: systemClock })
}

async function readsLeaveAll(path: string): Promise<void> {
  const folder = dirname(path)
  const temporary = makeFolder()
  const usual = process.env['TMPDIR']
  process.env['TMPDIR'] = temporary
  try {
    for (const words of READS) {
      const before = stateOf(folder)
      const { code, refusal } = await run(words, path)
      assert.is(code, 0, `${words.join(' ')}: ${refusal}`)
      assert.equal(stateOf(folder), before, words.join(' '))
      assert.equal(readdirSync(temporary), [], words.join(' '))
    }
  } finally {
    if (usual === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = usual
  }
}

/** Names, bytes and times; of a log's index only that it is there, for its locks are in it. */
function stateOf(folder: string): unknown {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const path = join(folder, name)
      if (name.endsWith('-shm')) return name
      return [name, statSync(path).mtimeMs, readFileSync(path).toString('base64')]
    })
}

/** A session that is in the log only, since the server that wrote it was killed; answers its value. */
async function leaveInLog(path: string, writes = 1): Promise<string> {
  const server = await spawnServer(['--data', path])
  const body = JSON.stringify(`written at ${server.url}`)
  for (let n = 0; n < writes; n++) {
    assert.is((await fetch(`${server.url}/session/k`, { method: 'PUT', body })).status, 204)
  }
  server.kill('SIGKILL')
  await server.ended
  assert.ok(statSync(`${path}-wal`).size > 0)
  return server.url
}

/** The folder a second time, where nobody may write. */
function mountReadOnly(source: string): { folder: string; unmount: () => void } {
  const folder = join(makeFolder(), 'mount')
  mkdirSync(folder)
  const mount = (...args: string[]) => spawnSync('mount', args).status === 0
  if (!mount('--bind', source, folder)) skip('no folder can be mounted here')
  const unmount = (): void => void spawnSync('umount', ['-l', folder])
  process.once('exit', unmount)
  assert.ok(mount('-o', 'remount,bind,ro', folder))
  return { folder, unmount }
}

/** Runs commands as a user with no rights of its own. */
function asNobody() {
  if (process.getuid?.() !== 0) skip('only root can be another user')
  const [program = '', ...rest] = PROGRAM
  const temporary = makeFolder()
  chmodSync(temporary, 0o755)
  chownSync(temporary, 65_534, 65_534)
  const other = (args: readonly string[]) =>
    spawnSync(program, [...rest, ...args], {
      uid: 65_534,
      gid: 65_534,
      cwd: temporary,
      env: { TMPDIR: temporary, HOME: temporary },
      encoding: 'utf8',
    })
  if (other(['--version']).status !== 0) skip('the program is where only root may run it')
  return other
}

function openToAll(path: string): void {
  chmodSync(dirname(path), 0o755)
  for (const name of readdirSync(dirname(path))) chmodSync(join(dirname(path), name), 0o644)
}

test.run()
