import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient } from '../kit/clients/http-client.ts'
import { makeFolder, type RunningServer, spawnServer } from '../kit/process/spawn-server.ts'

const test = suite('stop delay')

const DELAY_MS = 2_000

test('from the signal on /healthz says that the server stops, and all is served for the delay', async () => {
  const server = await start('--stop-delay', `${DELAY_MS}ms`)
  const signalledAt = performance.now()
  server.kill('SIGTERM')
  await sayStopping(server)
  // On a new connection, which is not to be closed either.
  const { ask, close } = openClient(server.url)
  const written = await ask('PUT /session/user', { body: '"ada"' })
  assert.is(written.status, 204)
  assert.is.not(written.headers['connection'], 'close')
  close()
  assert.is((await server.ended).code, 0)
  assert.ok(performance.now() - signalledAt >= DELAY_MS)
})

test('a later signal ends a server in its delay at once', async () => {
  const server = await start('--stop-delay', '1d')
  server.kill('SIGTERM')
  await sayStopping(server)
  // What comes shortly after the first is the same wish.
  const again = setInterval(() => server.kill('SIGTERM'), 50)
  const { code } = await server.ended
  clearInterval(again)
  assert.is(code, 143)
})

test('without a delay a server ends by itself', async () => {
  const server = await start()
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
})

test.run()

function start(...flags: string[]): Promise<RunningServer> {
  return spawnServer(['--data', `${makeFolder()}/sessions.db`, ...flags])
}

/** Rejects where it does not, and ends. */
async function sayStopping({ url }: RunningServer): Promise<void> {
  const { ask, close } = openClient(url)
  for (;;) {
    const { status, body } = await ask('GET /healthz')
    if (status === 200) continue
    assert.equal([status, JSON.parse(body).status], [503, 'stopping'])
    return close()
  }
}
