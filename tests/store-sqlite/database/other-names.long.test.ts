/** A file that has a second name, or a link that has a log or a lock: whoever opens it is refused. */
import { linkSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findMissing, writeSessions } from '../../kit/process/acknowledged-writes.ts'
import { idOf, makeSessionFile } from '../../kit/store/session-file.ts'
import {
  makeFolder,
  type RunningServer,
  runServer,
  spawnServer,
} from '../../kit/process/spawn-server.ts'

const test = suite('other names')

/** All that open the data file. */
const commandsOn = (): string[][] => [
  ['--port', '0'],
  ['check'],
  ['stats'],
  ['list'],
  ['export'],
  ['import', '--dry-run'],
  ['import'],
  ['show', idOf(0)],
  ['end', idOf(0)],
  ['key', 'list'],
  ['key', 'new', 'laptop'],
  ['key', 'revoke', 'laptop'],
  ['backup', join(makeFolder(), 'backup.db')],
  ['restore', makeSessionFile(1)],
]

test('a file that is renamed and linked to while it is served is opened by nobody meanwhile', async () => {
  const path = makeSessionFile(1)
  const moved = join(dirname(path), 'moved.db')
  const server = await spawnServer(['--data', path])
  const acknowledged = await writeSessions(server, 10)
  server.kill('SIGSTOP')
  renameSync(path, moved)
  symlinkSync('moved.db', path)
  const byItsName = [['--port', '0'], ['list'], ['end', idOf(0)]]
  for (const [data, all] of [
    [path, commandsOn()],
    [moved, byItsName],
  ] as const)
    for (const words of all) {
      const { code, stderr } = await runServer([...words, '--data', data])
      assert.is(code, 65, `${words.join(' ')}: ${stderr}`)
      assert.match(stderr, `${path}-wal beside the link`)
    }
  server.kill('SIGKILL')
  await server.ended

  const refused = await runServer(['--data', path, '--port', '0'])
  assert.is(refused.code, 65, refused.stderr)
  assert.match(refused.stderr, 'give the file its name back')
  unlinkSync(path)
  renameSync(moved, path)
  const again = await spawnServer(['--data', path])
  assert.equal(await findMissing(again, acknowledged), [])
  await stop(again)
})

test('a link whose own lock is held is refused with 75, and one that is left over is not', async () => {
  const path = makeSessionFile(1)
  const link = join(makeFolder(), 'link.db')
  const server = await spawnServer(['--data', link])
  unlinkSync(link)
  symlinkSync(path, link)
  unlinkSync(`${link}-wal`)
  server.kill('SIGSTOP')
  const { code, stderr } = await runServer(['--data', link, '--port', '0'])
  assert.is(code, 75, stderr)
  assert.match(stderr, 'by the name of the link')
  server.kill('SIGKILL')
  await server.ended

  const free = await spawnServer(['--data', link])
  await stop(free)
})

test('a journal beside a link is refused, and a log that is the same as that of the file is not', async () => {
  const path = makeSessionFile(1)
  const [folder, link] = [dirname(path), join(dirname(path), 'link.db')]
  symlinkSync('sessions.db', link)
  writeFileSync(`${link}-journal`, 'x')
  const refused = await runServer(['list', '--data', link])
  assert.is(refused.code, 65, refused.stderr)
  unlinkSync(`${link}-journal`)
  symlinkSync('sessions.db-wal', join(folder, 'link.db-wal'))
  const server = await spawnServer(['--data', link])
  await writeSessions(server, 1)
  assert.is((await runServer(['list', '--data', link])).code, 0)
  await stop(server)
})

test('a second name of a file is refused with 75 by each command, beside a server and without', async () => {
  const path = makeSessionFile(1)
  const other = join(makeFolder(), 'other.db')
  const server = await spawnServer(['--data', path])
  const acknowledged = await writeSessions(server, 10)
  linkSync(path, other)
  const whole = readFileSync(path)
  for (const [data, all] of [
    [other, commandsOn()],
    [path, [['list'], ['end', idOf(0)]]],
  ] as const) {
    for (const words of all) {
      const { code, stderr } = await runServer([...words, '--data', data])
      assert.is(code, 75, `${words.join(' ')}: ${stderr}`)
      assert.match(stderr, /hard links.*remove the others/)
    }
  }
  const restored = await runServer(['restore', other, '--data', join(makeFolder(), 'new.db')])
  assert.is(restored.code, 75, restored.stderr)
  assert.equal(readFileSync(path), whole)
  assert.equal(await findMissing(server, acknowledged), [])
  const warnings = server
    .stderr()
    .match(/"level":"warn","event":"data file has other names","names":2/g)
  assert.is(warnings?.length, 1, server.stderr())
  unlinkSync(other)
  assert.is((await runServer(['list', '--data', path])).code, 0)
  await stop(server)
  linkSync(path, other)
  assert.is((await runServer(['list', '--data', other])).code, 75)
})

test('a backup with two names is checked, read and restored', async () => {
  const folder = makeFolder()
  const backup = join(folder, 'backup.db')
  const made = await runServer(['backup', backup, '--data', makeSessionFile(2)])
  assert.is(made.code, 0, made.stderr)
  linkSync(backup, join(folder, 'yesterday.db'))
  for (const words of [['check'], ['list'], ['export']]) {
    assert.is((await runServer([...words, '--data', backup])).code, 0)
  }
  const target = join(folder, 'sessions.db')
  assert.is((await runServer(['restore', backup, '--data', target])).code, 0)
})

async function stop(server: RunningServer): Promise<void> {
  server.kill('SIGTERM')
  const { code, stderr } = await server.ended
  assert.is(code, 0, stderr)
}

test.run()
