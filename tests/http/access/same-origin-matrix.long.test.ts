/** Sec-Fetch-Site × Origin × method × Content-Type × path: what each changes, not only what it is answered. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBackEnd, rowsOf } from '../../kit/clients/back-end.ts'
import type { Ask } from '../../kit/process/open-server.ts'

const test = suite('same origin matrix')

const SITES = [undefined, 'same-origin', 'same-site', 'cross-site', 'none']
const ORIGINS = [
  undefined,
  'http://localhost',
  'http://evil.test',
  'null',
  'http://localhost:8080',
  'https://localhost',
  'http:/localhost/ ',
]
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY']
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']
const TYPES = [
  undefined,
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
]
const PATHS = [
  ...['/session', '/session/a', '/session/clear', '/session/renew', '/cookies', '/cookies/x'],
  ...['/sessions', '/sessions?all=true', '/sessions/ID', '/sessions/ID/a', '/sessions/ID/clear'],
  ...['/sessions/a-new-id-of-a-back-end', '/verify', '/none', '/'],
]

/** A body with which each method that takes one changes something, wherever it can. */
const BODIES: Record<string, string> = {
  POST: '{"data":{"b":1}}',
  PUT: '{"value":"1","data":{"b":1}}',
  PATCH: '{"data":{"b":1}}',
  QUERY: '{}',
}

type Request = { readonly method: string; readonly path: string; readonly type: string | undefined }

const REQUESTS: readonly Request[] = METHODS.flatMap((method) =>
  PATHS.flatMap((path) => TYPES.map((type) => ({ method, path, type }))),
)
const PAGES = SITES.flatMap((site) => ORIGINS.map((origin) => ({ site, origin })))
const OWN_PAGES = PAGES.filter(isOwn)

test('no request of another origin changes anything, with cookie and key at hand', async () => {
  const server = await openVictim()
  const before = rowsOf(server)
  let refused = 0
  for (const page of PAGES.filter((page) => !isOwn(page))) {
    for (const request of REQUESTS) {
      if (request.path === '/verify') continue
      const what = JSON.stringify({ ...page, ...request })
      const answer = await server.send(request, page)
      assert.is(answer.headers.get('set-cookie'), null, what)
      assert.is(answer.headers.get('access-control-allow-origin'), null, what)
      if (SAFE_METHODS.includes(request.method)) continue
      // What no origin may ask for needs no other refusal.
      assert.ok([403, 405].includes(answer.status), `${what} is ${answer.status}`)
      if (answer.status === 403) refused++
    }
    assert.equal(rowsOf(server), before, JSON.stringify(page))
  }
  assert.ok(refused > 5_000, `only ${refused} were refused for their origin`)
})

test('every request of the own origin, of the address bar or of a program does what it does without headers', async () => {
  let changed = 0
  for (const request of REQUESTS) {
    const wanted = await outcomeOf(request, {})
    if (wanted.hasChanged) changed++
    assert.not.equal(wanted.status, 403, JSON.stringify(request))
    const isTriedWhole = request.type === TYPES[1] && !SAFE_METHODS.includes(request.method)
    for (const page of isTriedWhole ? OWN_PAGES : [{ site: 'same-origin', origin: ORIGINS[1] }]) {
      assert.equal(await outcomeOf(request, page), wanted, JSON.stringify({ ...page, ...request }))
    }
  }
  // So that it would be seen if nothing here could change anything.
  assert.ok(changed > 50, `only ${changed} requests change something`)
})

test('/verify, which a proxy asks about requests of any origin, changes nothing', async () => {
  const server = await openVictim()
  const before = rowsOf(server)
  for (const page of PAGES) {
    for (const method of METHODS) {
      const answer = await server.send({ method, path: '/verify', type: undefined }, page)
      assert.is(answer.status, 200, JSON.stringify({ ...page, method }))
      assert.is(answer.headers.get('set-cookie'), null)
    }
  }
  assert.equal(rowsOf(server), before)
})

test.run()

type PageHeaders = { readonly site?: string | undefined; readonly origin?: string | undefined }

/** What a browser says of the site counts; where it says nothing, as old ones do, its Origin. */
function isOwn({ site, origin }: PageHeaders): boolean {
  if (site !== undefined) return ['same-origin', 'none'].includes(site)
  return origin === undefined || origin === 'http://localhost'
}

/** A server with a session, whose holder's cookie and whose back end's key go with every request. */
async function openVictim() {
  const server = openBackEnd()
  const { id, cookie } = await server.create({ data: { a: 1 }, claims: { sub: 'ada' } })

  async function send({ method, path, type }: Request, page: PageHeaders): Promise<Response> {
    const headers: Record<string, string> = {}
    if (type !== undefined) headers['content-type'] = type
    if (page.site !== undefined) headers['sec-fetch-site'] = page.site
    if (page.origin !== undefined) headers['origin'] = page.origin
    const body = BODIES[method]
    const ask: Ask = { headers, ...(body === undefined ? {} : { body }) }
    const line = `${method} ${path.replace('ID', id)}`
    // On /session the key would be taken for whoever asks, and the cookie for the session: both.
    return path.startsWith('/sessions')
      ? await server.ask(line, { ...ask, cookie })
      : await server.request(line, { ...ask, cookie })
  }

  return { ...server, send }
}

async function outcomeOf(request: Request, page: PageHeaders) {
  const server = await openVictim()
  const before = JSON.stringify(rowsOf(server))
  const { status } = await server.send(request, page)
  const hasChanged = JSON.stringify(rowsOf(server)) !== before
  server.database.close()
  return { status, hasChanged }
}
