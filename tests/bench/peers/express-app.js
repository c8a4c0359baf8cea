/** An Express app with express-session over a store: read, change and make sessions. */
import express from 'express'
import session from 'express-session'

export function listen(store) {
  const app = express()
  app.disable('x-powered-by')
  // A tag of each answer would be work that no other contender does.
  app.disable('etag')
  app.use(session({ store, secret: 'of the benchmark', resave: false, saveUninitialized: false }))
  app.use(express.json({ strict: false }))

  app.get('/session/user', (request, response) => {
    response.json(request.session.user)
  })
  app.put('/session/user', (request, response) => {
    request.session.user = request.body
    response.status(204).end()
  })
  app.patch('/session', (request, response) => {
    Object.assign(request.session, request.body.data)
    response.status(204).end()
  })

  const server = app.listen(0, '127.0.0.1', () => {
    process.stdout.write(`Peer listens on http://127.0.0.1:${server.address().port}\n`)
  })
}
