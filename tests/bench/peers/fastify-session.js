import cookie from '@fastify/cookie'
import session from '@fastify/session'
import fastify from 'fastify'

const app = fastify()
app.register(cookie)
app.register(session, {
  secret: 'of the benchmark, 32 characters or more',
  cookie: { secure: false },
  saveUninitialized: false,
  // Nor does any other contender write a session that was only read.
  rolling: false,
})

app.get('/session/user', async (request, reply) => {
  reply.type('application/json')
  return JSON.stringify(request.session.user)
})
app.put('/session/user', async (request, reply) => {
  request.session.user = request.body
  reply.code(204)
})
app.patch('/session', async (request, reply) => {
  Object.assign(request.session, request.body.data)
  reply.code(204)
})

process.stdout.write(`Peer listens on ${await app.listen({ port: 0, host: '127.0.0.1' })}\n`)
