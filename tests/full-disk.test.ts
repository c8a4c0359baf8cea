/** A disk that fills up under the server: a small tmpfs, which only root on Linux can mount. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from './support/skip.ts'
import { makeFolder, type RunningServer, runServer, spawnServer } from './support/spawn-server.ts'

const test = suite('full disk')
const VALUE = JSON.stringify('x'.repeat(20_000))

test('server on a full disk says so and exits 74', async () => {
  const folder = makeFolder()
  mountOrSkip('size=16k', folder)
  const { code, stderr } = await runServer(['--data', join(folder, 'sessions.db')])
  unmount(folder)
  assert.is(code, 74)
  assert.match(stderr, 'the disk is full')
})

for (const durability of ['full', 'relaxed']) {
  test(`server whose disk fills up refuses writes, goes on reading and loses nothing: ${durability}`, async () => {
    const folder = makeFolder()
    mountOrSkip('size=5m', folder)
    const data = join(folder, 'sessions.db')
    const server = await spawnServer(['--data', data, '--durability', durability])
    const cookies: string[] = []
    let refused = await put(server)
    for (; refused.status === 204; refused = await put(server)) {
      cookies.push(refused.headers.get('set-cookie')?.split(';', 1)[0] ?? '')
    }
    assert.ok(refused.headers.has('retry-after'))
    // Meanwhile what is done once a second finds no space either.
    const until = performance.now() + 1_500
    for (; performance.now() < until; refused = await put(server)) assert.is(refused.status, 507)
    assert.is(await countReadable(server, cookies), cookies.length)
    server.kill('SIGTERM')
    assert.is((await server.ended).code, 0)

    assert.ok(mount('remount,size=16m', folder))
    const again = await spawnServer(['--data', data])
    assert.is(await countReadable(again, cookies), cookies.length)
    assert.is((await put(again)).status, 204)
    again.kill('SIGTERM')
    await again.ended
    unmount(folder)
  })
}

function put(server: RunningServer): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${server.url}/session/big`, { method: 'PUT', body: VALUE, headers })
}

async function countReadable(server: RunningServer, cookies: readonly string[]): Promise<number> {
  let readable = 0
  for (const cookie of cookies) {
    const answer = await fetch(`${server.url}/session/big`, { headers: { cookie } })
    if ((await answer.text()) === VALUE) readable++
  }
  return readable
}

function mountOrSkip(options: string, folder: string): void {
  if (!mount(options, folder)) skip('a tmpfs cannot be mounted here')
}

function mount(options: string, folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0
}

function unmount(folder: string): void {
  spawnSync('umount', [folder])
}

test.run()
