/** A disk that fills up under the server: a small tmpfs, which only root on Linux can mount. */
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openSmallDisk } from '../../kit/process/small-disk.ts'
import { type RunningServer, runServer, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('full disk')
const DISK_KIB = 5 * 1024
const VALUE = JSON.stringify('x'.repeat(20_000))

test('server on a full disk says so and exits 74', async () => {
  const { folder, unmount } = openSmallDisk(16)
  const { code, stderr } = await runServer(['--data', join(folder, 'sessions.db')])
  unmount()
  assert.is(code, 74)
  assert.match(stderr, 'the disk is full')
})

for (const durability of ['full', 'relaxed']) {
  test(`server whose disk fills up refuses writes, goes on reading and loses nothing: ${durability}`, async () => {
    const { folder, grow, unmount } = openSmallDisk(DISK_KIB)
    const data = join(folder, 'sessions.db')
    const server = await spawnServer(['--data', data, '--durability', durability])
    const cookies: string[] = []
    let refused = await put(server)
    for (; refused.status === 204; refused = await put(server)) {
      cookies.push(refused.headers.get('set-cookie')?.split(';', 1)[0] ?? '')
      assert.ok(cookies.length * VALUE.length < DISK_KIB * 1024, 'more than the disk can hold')
    }
    assert.ok(refused.headers.has('retry-after'))
    // Meanwhile what is done once a second finds no space either.
    const until = performance.now() + 1_500
    for (; performance.now() < until; refused = await put(server)) assert.is(refused.status, 507)
    assert.is(await countReadable(server, cookies), cookies.length)
    server.kill('SIGTERM')
    assert.is((await server.ended).code, 0)

    grow(16 * 1024)
    const again = await spawnServer(['--data', data])
    assert.is(await countReadable(again, cookies), cookies.length)
    assert.is((await put(again)).status, 204)
    again.kill('SIGTERM')
    await again.ended
    unmount()
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
    if ((await answer.text()) === `${VALUE}\n`) readable++
  }
  return readable
}

test.run()
