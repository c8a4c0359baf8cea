/** A real page on another origin, in a real browser, against somebody who is logged in. */
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { once } from 'node:events'
import { hashSecret } from '../../../lib/session/token.ts'
import { openClient } from '../../kit/clients/http-client.ts'
import { type Browser, openChromium, type Page, type Profile } from '../../kit/proxies/chromium.ts'
import {
  listen,
  openRecordingProxy,
  type RecordingProxy,
} from '../../kit/proxies/recording-proxy.ts'
import { ATTACKS, type Attack } from '../engine/clients/cross-site-attacks.ts'
import type { Random } from '../engine/random.ts'
import type { Finding, Given, Torture } from '../torture.ts'

/**
 * The site, and who attacks it: from another site, from a host of the same site, and from another
 * port of the same host, to which the browser sends the site's cookies as well. A browser sends
 * Sec-Fetch-Site to the hosts that it trusts as it does https; to the others Origin alone.
 */
const SITES = [
  { host: 'localhost', attackers: ['localhost', '127.0.0.1', 'evil.localhost'] },
  { host: 'www.shop.localhost', attackers: ['evil.shop.localhost', 'shop.localhost', 'evil.test'] },
  { host: 'shop.test', attackers: ['shop.test', 'evil.shop.test', 'evil.test'] },
] as const

/** One of each site first, so that what is broken is soon found. */
const VISITS = [0, 1, 2].flatMap((nth) =>
  SITES.map(({ host, attackers }) => ({ host, from: attackers[nth] ?? host })),
)

/** A third of them, so that a short run comes to every site. */
const ATTACKS_A_VISIT = 10

const ARRIVAL_LIMIT_MS = 10_000

export const crossSiteTorture: Torture = {
  about: 'make a page of another origin change something, or a page of the same one be refused',
  breakages: {
    'no check of the origin': {
      seam: 'same-origin',
      by: 'if (isSafe(c) || c.req.method !== "") return',
    },
    'same site is good enough': {
      seam: 'fetch-site',
      by: "if (site !== undefined) return site !== 'same-origin' && site !== 'same-site' && site !== 'none'",
    },
    'Origin is not looked at': { seam: 'origin-absent', by: 'return false' },
    'only JSON is refused': {
      seam: 'cross-origin-any-type',
      after: "if (readHeader(c, 'content-type') !== 'application/json') return false",
    },
    'the own origin is refused': {
      seam: 'fetch-site',
      by: "if (site !== undefined) return  site !== 'none'",
    },
    'the port of the own origin is forgotten': {
      seam: 'own-port',
      by: 'const { hostname: host } = new URL(c.req.url)',
    },
  },
  async run(given) {
    const chromium = await openChromium()
    try {
      return await attack(chromium, given)
    } finally {
      await chromium.close()
    }
  },
}

async function attack(chromium: Browser, given: Given): Promise<Finding> {
  const { random, endsAt, folder, spawn } = given
  const data = join(folder, 'sessions.db')
  const { url } = await spawn(['--data', data])
  const key = readFileSync(`${data}.api-key`, 'utf8').trim()
  const client = openClient(url)
  const proxy = await openRecordingProxy(url)
  const attacker = createAttacker()
  const attackerPort = await listen(attacker)
  const violations: string[] = []
  const figures = { attacks: 0, arrived: 0, 'with the cookie': 0, refused: 0, 'own writes': 0 }

  async function allSessions(): Promise<string> {
    const { body } = await client.ask('GET /sessions?limit=1000', { key })
    const { sessions }: { sessions: Record<string, unknown>[] } = JSON.parse(body)
    // To look at a session is to use it: its times are no state that matters.
    return JSON.stringify(
      sessions.map(({ id, data, claims, permanent }) => ({ id, data, claims, permanent })),
    )
  }

  async function attackFrom(site: string, from: string): Promise<void> {
    const victim = await chromium.openProfile()
    const origin = `http://${site}:${proxy.port}`
    const own = await victim.openPage()
    await own.goTo(`${origin}/page`)
    for (const violation of await refusedWrites(own)) violations.push(`${violation} on ${origin}`)
    figures['own writes'] += OWN_WRITES.length
    await logIn(own)
    const [{ id = '' } = {}]: { id?: string }[] = JSON.parse(await allSessions())
    const page = await victim.openPage()
    const home = `http://${from}:${attackerPort}/`
    await page.goTo(home)
    for (const { name, script, navigates } of shuffled(ATTACKS, random).slice(0, ATTACKS_A_VISIT)) {
      const target = random.pick(targetsOf(id))
      const before = await stateOf(victim)
      const marker = `attack=${figures.attacks++}`
      const aim = `${origin}${target}${target.includes('?') ? '&' : '?'}${marker}`
      const isSent = await tryAttack(page, script, aim, `${home}redirect`)
      const arrived = await arrivalsOf(proxy, marker, isSent ? name : undefined)
      figures.arrived += arrived.length
      figures['with the cookie'] += arrived.filter(({ headers }) => headers.cookie).length
      figures.refused += arrived.filter(({ status }) => status === 403).length
      const after = await stateOf(victim)
      if (after !== before) {
        violations.push(`${name} from ${home} at ${origin}${target}: ${before} became ${after}`)
        return
      }
      if (navigates) await page.goTo(home)
    }
    await client.ask('DELETE /sessions?all=true', { key })
  }

  async function stateOf(victim: Profile): Promise<string> {
    const cookies = (await victim.cookies()).map(({ name, value, domain }) => {
      // Told apart by a hash: a token is nothing to print.
      return [name, hashSecret(value).slice(0, 8), domain]
    })
    return `${await allSessions()} ${JSON.stringify(cookies)}`
  }

  try {
    do {
      for (const { host, from } of VISITS) {
        await attackFrom(host, from)
        // One is enough; what comes after it may come of it.
        if (violations.length > 0) return { violations, figures }
      }
    } while (performance.now() < endsAt)
    if (figures['with the cookie'] === 0)
      violations.push('no attack had the cookie: nothing was tried')
    return { violations, figures }
  } finally {
    client.close()
    await proxy.close()
    attacker.close()
    attacker.closeAllConnections()
    await once(attacker, 'close')
  }
}

function targetsOf(id: string): string[] {
  return [
    ...['/session/clear', '/session/renew', '/session/planted', '/session', '/sessions'],
    ...[`/sessions/${id}`, '/sessions?all=true', '/cookies/planted', '/none', '/session/user'],
    ...['/session/clear?_method=DELETE', '/session?_method=DELETE'],
  ]
}

/** Whether the request has certainly been sent. */
async function tryAttack(page: Page, script: string, url: string, own: string): Promise<boolean> {
  // What the page may not even send, it throws for.
  const answer = await page.run(`
    const [url, own] = ${JSON.stringify([url, own])}
    try { return await (async () => { ${script} })() === true } catch { return false }`)
  return answer === true
}

/** What has come of an attack; waits for the one that was sent, by its name. */
async function arrivalsOf(proxy: RecordingProxy, marker: string, sent: string | undefined) {
  const endsAt = performance.now() + ARRIVAL_LIMIT_MS
  const isMarked = new RegExp(`[?&]${marker}(?:&|$)`)
  for (;;) {
    const arrived = proxy.recorded.filter(({ url }) => isMarked.test(url))
    if (arrived.length > 0 || sent === undefined) return arrived
    if (performance.now() > endsAt) throw new Error(`Nothing arrived of: ${sent}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** `[method, path, type, body]`: what a site's own page may do. */
const OWN_WRITES = [
  ['PUT', '/session/user', 'application/json', '"ada"'],
  ['PUT', '/session/user', 'text/plain;charset=UTF-8', '"ada"'],
  ['PUT', '/session/user?as=text', 'text/plain;charset=UTF-8', 'ada'],
  ['PUT', '/session', 'text/plain;charset=UTF-8', '{"n":1}'],
  ['PUT', '/session/n', 'application/x-www-form-urlencoded', '1'],
  ['PATCH', '/session/n', 'application/json', '{"increment":1}'],
  ['PATCH', '/session', 'application/json', '{"data":{"a":1}}'],
  [
    'PATCH',
    '/session',
    'application/json-patch+json',
    '[{"op":"test","path":"/data/a","value":1}]',
  ],
  ['DELETE', '/session/a', '', undefined],
  ['PUT', '/cookies/theme', 'application/json', '{"value":"dark"}'],
  ['DELETE', '/cookies/theme', '', undefined],
  ['POST', '/session/clear', '', undefined],
  ['POST', '/session/renew', 'application/x-www-form-urlencoded', ''],
  ['DELETE', '/session', '', undefined],
] as const

async function refusedWrites(page: Page): Promise<string[]> {
  const refused: string[] = []
  for (const [method, path, type, body] of OWN_WRITES) {
    const init = { method, body, headers: type === '' ? {} : { 'content-type': type } }
    const status = await page.run(
      `return (await fetch(${JSON.stringify(path)}, ${JSON.stringify(init)})).status`,
    )
    if (Number(status) >= 300) refused.push(`The own ${method} ${path} is ${String(status)}`)
  }
  return refused
}

async function logIn(page: Page): Promise<void> {
  await page.run(`
    await fetch('/session', { method: 'PATCH', body: '{"data":{"user":"ada","cart":["tea"]}}' })`)
}

/** Serves the pages from which it is attacked, and sends back to the site what is posted to it. */
function createAttacker() {
  return createServer((incoming, outgoing) => {
    const to = new URL(incoming.url ?? '/', 'http://localhost').searchParams.get('to')
    if (to === null) {
      outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><body>')
    } else {
      // 307: the same method and the same body.
      outgoing.writeHead(307, { Location: to }).end()
    }
  })
}

function shuffled(attacks: readonly Attack[], random: Random): Attack[] {
  const left = [...attacks]
  return attacks.flatMap(() => left.splice(random.below(left.length), 1))
}
