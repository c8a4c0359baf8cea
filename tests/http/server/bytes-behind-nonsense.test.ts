/** What a client goes on to send, behind what is no HTTP, while the answer before it is not out. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Hono } from 'hono'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AppEnv } from '../../../lib/http/app-env.ts'
import { forwardAuth } from '../../../lib/http/routes/verify.ts'
import { createServerCounts } from '../../../lib/http/server/metric-routes.ts'
import { startHttpServer } from '../../../lib/http/server/server.ts'
import { parseAnswer, rawRequest, readToEnd } from '../../kit/clients/raw-http.ts'

const test = suite('bytes behind nonsense')

const MIB = 1024 * 1024
const SENT_BYTES = 64 * MIB
/** So many turns of the loop that bring nothing more, for client and server are in this process. */
const QUIET_TURNS = 300

test('they are left with the kernel until it is told, and are no reason to lose the answers', async () => {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  let bytesRead = (): number => 0
  const app = new Hono<AppEnv>()
  app.all('*', async (c) => {
    const { socket } = c.env.incoming
    bytesRead = () => socket.bytesRead
    await held
    return new Response('done')
  })
  const server = await startHttpServer({
    forwardAuth,
    counts: createServerCounts(),
    app,
    address: { host: '127.0.0.1', port: 0 },
    headerLimitBytes: 16_384,
    headerTimeoutMs: 5_000,
    requestTimeoutMs: 15_000,
    keepAliveTimeoutMs: 5_000,
    maxConnections: 100,
  })
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  await once(socket, 'connect')
  const answers = readToEnd(socket)
  socket.write(rawRequest('GET /').replace('Connection: close\r\n', ''))
  socket.write(Buffer.alloc(SENT_BYTES, '\0'))

  let [seen, quiet] = [-1, 0]
  while (quiet++ < QUIET_TURNS) {
    if (bytesRead() !== seen) quiet = 0
    seen = bytesRead()
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(seen > 0 && seen < MIB, `${seen} bytes were read`)

  release()
  const first = parseAnswer(await answers)
  assert.equal([first.status, first.body], [200, 'done'])
  assert.is(parseAnswer(first.rest).status, 400)
  socket.destroy()
  await server.stop(1_000)
})

test.run()
