import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient } from '../kit/clients/http-client.ts'
import { readPage } from '../kit/manual/page.ts'
import { runPage, runPrograms } from '../kit/manual/run-page.ts'
import { stop } from '../kit/process/drive-server.ts'
import { makeFolder, spawnServer } from '../kit/process/spawn-server.ts'

const PAGE = readPage('flash.md')

const test = suite('flash.md')

test('flash.md prints what curl prints', async () => {
  assert.equal(await runPage(PAGE), { compared: 9, ran: 0, servers: 0, notRun: 0 })
})

test('flash.md says in its Python what it prints', async () => {
  assert.is(await runPrograms(PAGE, 'python'), 1)
})

test('flash.md says in its JavaScript what it prints', async () => {
  assert.is(await runPrograms(PAGE, 'js'), 1)
})

test('over 25 sockets none is lost, and two readers at a time get each message once', async () => {
  const server = await spawnServer(['--data', join(makeFolder(), 'sessions.db')])
  const { ask, close } = openClient(server.url)
  const { cookie } = await ask('PUT /session/user', { body: '"ada"' })
  const messages = Array.from({ length: 25 }, (_, n) => `message ${n}`).toSorted()
  const flashAll = () =>
    messages.map((message) =>
      ask('PATCH /session/_flashes', {
        cookie,
        body: JSON.stringify({ append: ['info', message] }),
      }),
    )
  const take = async () => {
    const { status, body } = await ask('DELETE /session/_flashes?default=[]', { cookie })
    assert.is(status, 200)
    const pairs: readonly (readonly [category: string, message: string])[] = JSON.parse(body)
    return pairs.map(([, message]) => message)
  }

  for (const { status } of await Promise.all(flashAll())) assert.is(status, 200)
  assert.equal((await take()).toSorted(), messages)
  const flashing = Promise.all(flashAll())
  const reading = Promise.all([take(), take(), take(), take()])
  await flashing
  const read = [...(await reading).flat(), ...(await Promise.all([take(), take()])).flat()]
  assert.equal(read.toSorted(), messages)
  close()
  await stop(server)
})

test.run()
