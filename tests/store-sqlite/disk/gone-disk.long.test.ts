/** A disk that goes away under the server, on a file system in a file: the server ends, and says why. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findMissing, writeSessions } from '../../kit/process/acknowledged-writes.ts'
import { runAmongMounts, withMounts } from '../../kit/process/mount-namespace.ts'
import { skip } from '../../kit/runner/skip.ts'
import { idOf, makeSessionFile } from '../../kit/store/session-file.ts'
import { makeFolder, type RunningServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('gone disk')

const KEY = 'ck_a-key-for-a-test-of-a-disk-that-is-gone'

for (const [what, ask] of [
  ['writes', write],
  ['reads', read],
  ['only questions for its health', askHealth],
] as const) {
  test(`a disk that goes away ends the server with 74 where there are ${what}, and nothing is missing`, async () => {
    const under = onDiskInFile()
    const args = ['--data', '/mnt/sessions.db']
    const server = await spawnServer(args, {}, under)
    const acknowledged = await writeSessions(server, 20)
    const [cookie = ''] = acknowledged.keys()
    runAmongMounts(server.pid, 'xfs_io -x -c shutdown /mnt')
    let isOver = false
    void server.ended.then(() => (isOver = true))
    const statuses = new Set<number>()
    while (!isOver) statuses.add(await ask(server, cookie).catch(() => 0))
    const { code, stderr } = await server.ended
    assert.is(code, 74, stderr)
    assert.match(stderr, '"event":"writing_failed"')
    assert.not.ok(statuses.has(204))
    if (statuses.has(500)) assert.match(stderr, '"event":"storage_damaged"')

    const again = await spawnServer(args, {}, under)
    assert.equal(await findMissing(again, acknowledged), [])
    again.kill('SIGTERM')
    assert.is((await again.ended).code, 0)
  })
}

test('a session that is damaged is told in the log for each answer, at most five times a second, and the server goes on', async () => {
  const path = makeSessionFile(20)
  const bytes = readFileSync(path)
  bytes.write('no itself', bytes.indexOf('to itself'))
  writeFileSync(path, bytes)
  const server = await spawnServer(['--data', path], { COATCHECK_API_KEY: KEY })
  const headers = { authorization: `Bearer ${KEY}` }
  const damaged = []
  for (let n = 0; n < 20; n++) {
    const { status } = await fetch(`${server.url}/sessions/${idOf(n)}`, { headers })
    if (status === 500) damaged.push(idOf(n))
  }
  assert.is(damaged.length, 1)
  const until = performance.now() + 2_500
  let asked = 1
  for (; performance.now() < until; asked++) {
    const answer = await fetch(`${server.url}/sessions/${damaged[0]}`, { headers })
    assert.is(answer.status, 500)
  }
  server.kill('SIGTERM')
  const { code, stderr } = await server.ended
  assert.is(code, 0, stderr)
  const lines = stderr.split('\n').filter((line) => line.includes('"event":"storage_damaged"'))
  assert.ok(lines.length >= Math.min(asked, 5) && lines.length <= 20, `${lines.length}`)
  assert.match(lines[0] ?? '', damaged[0] ?? 'none')
})

/** The command line of a program for which a file system of its own is at /mnt. */
function onDiskInFile(): string[] {
  const image = join(makeFolder(), 'disk')
  writeFileSync(image, Buffer.alloc(32 * 1024 * 1024))
  if (spawnSync('mkfs.ext4', ['-q', image]).status !== 0) skip('mkfs.ext4 is not installed')
  if (spawnSync('xfs_io', ['-V']).status !== 0) skip('xfs_io is not installed')
  const under = withMounts(`mount -o loop '${image}' /mnt`)
  const [command = '', ...args] = [...under, 'true']
  if (spawnSync(command, args).status !== 0) skip('a file cannot be mounted here')
  return under
}

async function write(server: RunningServer): Promise<number> {
  return (await fetch(`${server.url}/session/k`, { method: 'PUT', body: '1' })).status
}

async function askHealth(server: RunningServer): Promise<number> {
  return (await fetch(`${server.url}/healthz`)).status
}

async function read(server: RunningServer, cookie: string): Promise<number> {
  return (await fetch(`${server.url}/session/k`, { headers: { cookie } })).status
}

test.run()
