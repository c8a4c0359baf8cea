/** The floor: a bare Hono app on node-server that reads the body and answers the same each time. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { readConstantAnswer } from './constant-answer.ts'

const { method, path, status, headers: pairs, body, keepAliveTimeout } = readConstantAnswer()
const headers = Object.fromEntries(pairs)

const app = new Hono()
if (method === 'GET') {
  app.get(path, () => new Response(body, { status, headers }))
} else {
  app.put(path, async (c) => {
    await c.req.arrayBuffer()
    return new Response(body === '' ? null : body, { status, headers })
  })
}
serve(
  { fetch: app.fetch, port: 0, hostname: '127.0.0.1', serverOptions: { keepAliveTimeout } },
  ({ port }) => process.stdout.write(`Floor listens on http://127.0.0.1:${port}\n`),
)
