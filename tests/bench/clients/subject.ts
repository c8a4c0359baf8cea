/**
 * One application that is measured, in a process of its own: `subject.ts SIDE URL_OR_PORT`, with the API key
 * in COATCHECK_API_KEY. It prints the port of its pages, and does the calls that it is told by a
 * message.
 */
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createClient } from '../../../lib/clients/js/client.ts'
import { CoatcheckStore } from '../../../lib/clients/js/express-session.ts'
import type { Measured, Order } from './order.ts'

const [, , side = '', where = ''] = process.argv
const folder = process.env['CLIENT_PACKAGES'] ?? ''
const load = createRequire(folder)

/** What a session of a shop has in it. */
const DATA = { user: 'ada', cart: ['tea', 'jam'], visits: 1, prefs: { lang: 'en', size: 12 } }

type Calls = Readonly<Record<Order['call'], () => Promise<unknown>>>
type Opened = { readonly calls: Calls; readonly store: unknown }

const opened = side === 'coatcheck' ? await openCoatcheck() : await openRedis()
process.stdout.write(`listens on http://127.0.0.1:${await servePages(opened.store)}\n`)
process.on('message', (order: Order) => {
  void measure(order).then((measured) => process.send?.(measured))
})

async function openCoatcheck(): Promise<Opened> {
  const client = createClient<Record<string, unknown>>({
    url: where,
    apiKey: process.env['COATCHECK_API_KEY'] ?? '',
  })
  const { id, setCookie } = await client.sessions.create({ data: DATA })
  const request = { headers: { cookie: setCookie.split(';', 1)[0] } }
  const calls: Calls = {
    read: () => client.visit(request).all(),
    'read by id': () => client.sessions.get(id),
    write: () => client.visit(request).set('visits', 2),
    count: () => client.visit(request).increment('hits'),
  }
  return { calls, store: new CoatcheckStore({ client }) }
}

type RedisClient = {
  connect(): Promise<unknown>
  get(key: string): Promise<string>
  set(key: string, value: string, options: object): Promise<unknown>
  incr(key: string): Promise<number>
}

async function openRedis(): Promise<Opened> {
  const { createClient: create } = load('@redis/client') as {
    createClient(options: object): RedisClient
  }
  const { RedisStore } = load('connect-redis') as { RedisStore: new (options: object) => unknown }
  const client = create({ url: `redis://127.0.0.1:${where}` })
  await client.connect()
  const text = JSON.stringify(DATA)
  const options = { expiration: { type: 'EX', value: 86_400 } }
  await client.set('sess:one', text, options)
  const read = () => client.get('sess:one').then((found) => JSON.parse(found) as unknown)
  const calls: Calls = {
    read,
    'read by id': read,
    write: () => client.set('sess:one', JSON.stringify(DATA), options),
    count: () => client.incr('hits'),
  }
  return { calls, store: new RedisStore({ client }) }
}

type Request = { session: Record<string, unknown> }
type Response = { end(text: string): void }
type App = {
  use(handler: unknown): void
  get(path: string, handler: (request: Request, response: Response) => void): void
  listen(port: number, host: string, ready: () => void): { address(): AddressInfo }
}

function servePages(store: unknown): Promise<number> {
  const app = (load('express') as () => App)()
  const session = load('express-session') as (options: object) => unknown
  app.use(session({ store, secret: 'of the bench', resave: false, saveUninitialized: false }))
  app.get('/begin', (request, response) => {
    Object.assign(request.session, DATA)
    response.end('begun')
  })
  app.get('/read', (request, response) => response.end(String(request.session['user'])))
  app.get('/change', (request, response) => {
    request.session['visits'] = Number(request.session['visits']) + 1
    response.end(String(request.session['visits']))
  })
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server.address().port))
  })
}

async function measure({ call, parallel, milliseconds }: Order): Promise<Measured> {
  const times: number[] = []
  const run = opened.calls[call]
  const cpu = process.cpuUsage()
  const end = performance.now() + milliseconds
  const work = async () => {
    for (let began = performance.now(); began < end; began = performance.now()) {
      await run()
      times.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  const { user, system } = process.cpuUsage(cpu)
  times.sort((a, b) => a - b)
  return {
    count: times.length,
    cpuUs: user + system,
    p50Ms: times[times.length >> 1] ?? NaN,
  }
}
