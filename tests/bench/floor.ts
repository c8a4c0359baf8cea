/** The floor: a bare Hono app on node-server that reads the body and answers the same bytes. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { SAFE_HEADERS } from '../../lib/http/answer.ts'

const app = new Hono()
app.get('/session/user', () => {
  const headers = { ...SAFE_HEADERS, 'Content-Type': 'application/json', ETag: '"1"' }
  return new Response('"ada"', { headers })
})
app.put('/session/user', async (c) => {
  await c.req.arrayBuffer()
  const headers = { ...SAFE_HEADERS, ETag: '"1"' }
  return new Response(null, { status: 204, headers })
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  process.stdout.write(`Floor listens on http://127.0.0.1:${port}\n\n`)
})
