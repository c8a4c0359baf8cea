/** A server that stops and starts again, or is killed, while requests come all the time. */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Client, createClient } from '../../../lib/clients/js/client.ts'
import { CoatcheckError } from '../../../lib/clients/js/errors.ts'
import { findFreePort } from '../../bench/machine/processes.ts'
import { API_KEY } from '../../kit/process/open-server.ts'
import { makeFolder, spawnServer } from '../../kit/process/spawn-server.ts'

const test = suite('client over restarts')

type Data = { n: number }

/** Before each restart. */
const WRITES = 50

test('over orderly restarts no call fails, and each write is done once', async () => {
  const { client, request, id, restart, close } = await openRestarting()
  const counts = countUp(client, request, id)
  for (let turn = 0; turn < 3; turn++) {
    await counts.more(WRITES)
    await restart('SIGTERM')
  }
  const { done, failed } = await counts.stop()
  const n = (await client.sessions.get(id))?.data.n
  await close()
  assert.equal(
    failed.map(({ message }) => message),
    [],
  )
  assert.ok(done >= 3 * WRITES, `${done} writes`)
  assert.is(n, done)
})

test('where the server is killed, what was done is known, or is told as unknown', async () => {
  const { client, request, id, restart, close } = await openRestarting()
  const counts = countUp(client, request, id)
  for (let turn = 0; turn < 3; turn++) {
    await counts.more(WRITES)
    await restart('SIGKILL')
  }
  const { done, failed } = await counts.stop()
  const n = (await client.sessions.get(id))?.data.n ?? 0
  await close()
  assert.ok(
    failed.every(({ code, outcomeUnknown }) => code === 'connection_lost' && outcomeUnknown),
  )
  assert.ok(n >= done && n <= done + failed.length, `${done} done, ${failed.length} unknown, ${n}`)
})

test.run()

/** Writers and readers that go on until they are stopped; only writes may fail. */
function countUp(client: Client<Data>, request: { headers: { cookie: string } }, id: string) {
  const failed: CoatcheckError[] = []
  let done = 0
  let isStopping = false
  async function write(): Promise<void> {
    while (!isStopping) {
      try {
        await client.visit(request).increment('n')
        done++
      } catch (error) {
        if (!(error instanceof CoatcheckError)) throw error
        failed.push(error)
      }
    }
  }
  async function read(): Promise<void> {
    while (!isStopping) assert.ok(await client.sessions.get(id))
  }
  const all = Promise.all([
    ...Array.from({ length: 12 }, write),
    ...Array.from({ length: 4 }, read),
  ])
  return {
    /** Until so many more writes are done. */
    async more(writes: number) {
      for (const from = done; done < from + writes;) await wait(10)
    },
    async stop() {
      isStopping = true
      await all
      return { done, failed }
    },
  }
}

async function openRestarting() {
  const port = String(await findFreePort())
  const args = ['--data', join(makeFolder(), 'sessions.db'), '--port', port]
  const start = () => spawnServer(args, { COATCHECK_API_KEY: API_KEY })
  let server = await start()
  // As long as a start may take on a busy machine.
  const limits = { timeout: 60_000, connectTimeout: 60_000 }
  const client = createClient<Data>({ url: server.url, apiKey: API_KEY, ...limits })
  const { id, setCookie } = await client.sessions.create({ data: { n: 0 } })
  return {
    client,
    id,
    request: { headers: { cookie: setCookie.split(';', 1)[0] ?? '' } },
    async restart(signal: NodeJS.Signals) {
      server.kill(signal)
      await server.ended
      server = await start()
    },
    async close() {
      client.close()
      server.kill('SIGTERM')
      await server.ended
    },
  }
}
