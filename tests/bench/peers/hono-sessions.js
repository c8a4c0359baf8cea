import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { MemoryStore, sessionMiddleware } from 'hono-sessions'

const app = new Hono()
app.use(
  sessionMiddleware({
    store: new MemoryStore(),
    expireAfterSeconds: 1800,
    cookieOptions: { path: '/', httpOnly: true, sameSite: 'Lax' },
  }),
)

app.get('/session/user', (c) => c.json(c.get('session').get('user')))
app.put('/session/user', async (c) => {
  c.get('session').set('user', await c.req.json())
  return c.body(null, 204)
})
app.patch('/session', async (c) => {
  const { data } = await c.req.json()
  for (const [key, value] of Object.entries(data)) c.get('session').set(key, value)
  return c.body(null, 204)
})

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  process.stdout.write(`Peer listens on http://127.0.0.1:${port}\n`)
})
