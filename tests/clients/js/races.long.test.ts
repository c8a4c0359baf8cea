/**
 * Nothing is lost: 25 requests at the same time, all of which have read the session before one writes,
 * each change another part of it, four rounds; connect-redis is the control.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { serve as serveHono } from '@hono/node-server'
import { Hono } from 'hono'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createClient } from '../../../lib/clients/js/client.ts'
import { session as expressMiddleware } from '../../../lib/clients/js/express.ts'
import { CoatcheckStore } from '../../../lib/clients/js/express-session.ts'
import { session as honoMiddleware, type SessionVariables } from '../../../lib/clients/js/hono.ts'
import type { Visit } from '../../../lib/clients/js/visits/visit.ts'
import { findProgram } from '../../bench/machine/find-program.ts'
import { findFreePort } from '../../bench/machine/processes.ts'
import { needClientPackages, requirePackage } from '../../kit/clients/client-packages.ts'
import { openClientServer } from '../../kit/clients/client-server.ts'
import {
  createBarrier,
  createBrowser,
  createExpress,
  expressSession,
  type RunningApp,
  serve,
} from '../../kit/clients/express-apps.ts'
import { makeFolder } from '../../kit/process/spawn-server.ts'
import { skip } from '../../kit/runner/skip.ts'

const test = suite('races')

const PARALLEL = 25
const ROUNDS = 4

type Data = Record<string, unknown>
/** Opens an application; its barrier lets the writes go once all have read. */
type OpenApp = (barrier: () => Promise<void>) => Promise<RunningApp>

test('express-session with CoatcheckStore keeps 100 of 100', async () => {
  await needClientPackages()
  const { options, close } = await openClientServer()
  const store = new CoatcheckStore(options)
  assert.equal(await race((barrier) => openExpressSession(store, barrier)), ALL)
  store.close()
  await close()
})

test('express-session with connect-redis, the control, loses most', async () => {
  await needClientPackages()
  if (findProgram('redis-server') === undefined) skip('redis-server is not installed')
  const redis = await startRedis()
  const kept = await race((barrier) => openExpressSession(redis.store, barrier))
  assert.ok(kept.keys < 25 && kept.inObject < 25 && kept.inList < 25, JSON.stringify(kept))
  await redis.close()
})

test('@fastify/session with CoatcheckStore keeps 100 of 100', async () => {
  await needClientPackages()
  const { options, close } = await openClientServer()
  const store = new CoatcheckStore(options)
  assert.equal(await race((barrier) => openFastify(store, barrier)), ALL)
  store.close()
  await close()
})

test('the middleware for Express keeps 100 of 100, and a counter counts each', async () => {
  await needClientPackages()
  const { options, client, close } = await openClientServer()
  const open: OpenApp = (barrier) => {
    const app = createExpress()
    app.use(expressMiddleware({ client }))
    const route = (path: string, change: (visit: Visit<Data>, key: string) => Promise<unknown>) =>
      app.post(path, async (request, response) => {
        const visit = request.session as unknown as Visit<Data>
        await visit.all()
        await barrier()
        response.json({ value: await change(visit, request.params['key'] ?? '') })
      })
    addVisitRoutes(route)
    app.get('/all', async (request, response) => {
      response.json(await (request.session as unknown as Visit<Data>).all())
    })
    return serve(app)
  }
  assert.equal(await race(open), ALL)
  assert.is(await countUp(open), PARALLEL * ROUNDS)
  assert.ok(options.url)
  await close()
})

test('the middleware for Hono keeps 100 of 100, and a counter counts each', async () => {
  const { options, close } = await openClientServer()
  const client = createClient<never>(options)
  const open: OpenApp = async (barrier) => {
    const app = new Hono<{ Variables: SessionVariables<Data> }>()
    app.use(honoMiddleware<Data>({ client }))
    const route = (path: string, change: (visit: Visit<Data>, key: string) => Promise<unknown>) =>
      app.post(path, async (c) => {
        const visit = c.get('session')
        await visit.all()
        await barrier()
        return c.json({ value: await change(visit, c.req.param('key') ?? '') })
      })
    addVisitRoutes(route)
    app.get('/all', async (c) => c.json(await c.get('session').all()))
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    await once(server, 'listening')
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      close: async () => {
        await new Promise((resolve) => server.close(resolve))
      },
    }
  }
  assert.equal(await race(open), ALL)
  assert.is(await countUp(open), PARALLEL * ROUNDS)
  client.close()
  await close()
})

test.run()

const EACH = PARALLEL * ROUNDS
const ALL = { keys: EACH, inObject: EACH, inList: EACH }

/** How many of the changes of each kind are there after all rounds. */
async function race(open: OpenApp): Promise<typeof ALL> {
  const app = await open(createBarrier(PARALLEL))
  const kept = { keys: 0, inObject: 0, inList: 0 }
  try {
    for (const kind of ['key', 'object', 'list'] as const) {
      const browser = createBrowser(app.url)
      await begin(app.url, browser)
      for (let round = 0; round < ROUNDS; round++) {
        const changes = Array.from({ length: PARALLEL }, (_, n) => `${kind}/k${round}-${n}`)
        await Promise.all(changes.map((change) => browser.ask('POST', `/${change}`)))
      }
      const all = await browser.ask<Data>('GET', '/all')
      const isOne = (key: unknown) => /^k\d-\d+$/.test(String(key))
      if (kind === 'key') kept.keys = Object.keys(all).filter(isOne).length
      if (kind === 'object') kept.inObject = Object.keys(all['object'] ?? {}).filter(isOne).length
      if (kind === 'list') kept.inList = new Set((all['list'] ?? []) as unknown[]).size
    }
  } finally {
    await app.close()
  }
  return kept
}

async function countUp(open: OpenApp): Promise<unknown> {
  const app = await open(createBarrier(PARALLEL))
  const browser = createBrowser(app.url)
  await begin(app.url, browser)
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(Array.from({ length: PARALLEL }, () => browser.ask('POST', '/count/n')))
  }
  const all = await browser.ask<Data>('GET', '/all')
  await app.close()
  return all['n']
}

/** A session for the browser: the barrier waits for as many as there are in a round. */
async function begin(url: string, browser: ReturnType<typeof createBrowser>): Promise<void> {
  const others = Array.from({ length: PARALLEL - 1 }, () => createBrowser(url))
  await Promise.all([browser, ...others].map((one) => one.ask('POST', '/key/begun')))
}

function addVisitRoutes(
  route: (path: string, change: (visit: Visit<Data>, key: string) => Promise<unknown>) => void,
): void {
  route('/key/:key', (visit, key) => visit.set(key, 1))
  route('/object/:key', (visit, key) => visit.merge('object', { [key]: 1 }))
  route('/list/:key', (visit, key) => visit.append('list', key))
  route('/count/:key', (visit, key) => visit.increment(key))
}

/** What an application does to the object of its framework. */
const CHANGES: Readonly<Record<string, (session: Data, key: string) => void>> = {
  key: (session, key) => (session[key] = 1),
  object: (session, key) => {
    const object = (session['object'] ??= {}) as Data
    object[key] = 1
  },
  list: (session, key) => {
    const list = (session['list'] ??= []) as unknown[]
    list.push(key)
  },
}

function openExpressSession(store: unknown, barrier: () => Promise<void>): Promise<RunningApp> {
  const app = createExpress()
  app.use(expressSession(store))
  app.post('/:kind/:key', async (request, response) => {
    await barrier()
    const { kind = '', key = '' } = request.params
    CHANGES[kind]?.(request.session, key)
    response.json({})
  })
  app.get('/all', (request, response) => response.json(request.session))
  return serve(app)
}

type FastifyRequest = { params: Record<string, string>; session: Data }
type Fastify = {
  register(plugin: unknown, options?: object): void
  post(path: string, handler: (request: FastifyRequest) => Promise<unknown>): void
  get(path: string, handler: (request: FastifyRequest) => Promise<unknown>): void
  listen(options: object): Promise<string>
  close(): Promise<void>
}

async function openFastify(store: unknown, barrier: () => Promise<void>): Promise<RunningApp> {
  const app = requirePackage<() => Fastify>('fastify')()
  app.register(requirePackage('@fastify/cookie'))
  app.register(requirePackage('@fastify/session'), {
    secret: 'of the tests, which must have 32 characters',
    cookie: { secure: false },
    saveUninitialized: false,
    store,
  })
  app.post('/:kind/:key', async (request) => {
    await barrier()
    const { kind = '', key = '' } = request.params
    CHANGES[kind]?.(request.session, key)
    return {}
  })
  app.get('/all', async (request) => request.session)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, close: () => app.close() }
}

type RedisPackage = { createClient(options: object): RedisClient }
type ConnectRedis = { readonly RedisStore: new (options: object) => object }
type RedisClient = { connect(): Promise<unknown>; destroy(): void }

async function startRedis() {
  const [port, folder] = [await findFreePort(), makeFolder()]
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--dir', folder]
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const text of server.stdout) if (String(text).includes('Ready to accept')) break
  const { createClient: createRedis } = requirePackage<RedisPackage>('@redis/client')
  const client = createRedis({ url: `redis://127.0.0.1:${port}` })
  await client.connect()
  const { RedisStore } = requirePackage<ConnectRedis>('connect-redis')
  return {
    store: new RedisStore({ client }),
    async close() {
      client.destroy()
      const ended = once(server, 'exit')
      server.kill()
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}
