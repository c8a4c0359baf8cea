/**
 * What the time of an answer tells of a key or a token that is refused: interleaved samples over one
 * connection, and Welch's t for each pair (B. L. Welch, Biometrika 34, 1947).
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { nanoid } from 'nanoid'
import type { RunningServer } from '../../kit/process/spawn-server.ts'
import type { Random } from '../engine/random.ts'
import type { Finding, Given, Torture } from '../torture.ts'

/** A difference that can be measured; chance alone puts a pair so far apart once in 150,000 times. */
const TELLING_T = 4.5
/**
 * What tells is at least so much as well: on a quiet machine half a microsecond would, and that much
 * lies in whether V8 has seen a text before.
 */
const TELLING_US = 2
/** What a second measurement, of the pairs that the first found to tell, has to find as well. */
const CONFIRMING_T = 3
/** So many wrong keys of one address are answered as such in a while; after that, with 429. */
const FAILURES_OF_ONE_ADDRESS = 8
/** The slower half is the garbage collector's and the kernel's at least as much as the server's. */
const KEPT_SHARE = 0.5
const ADA = '{"claims":{"sub":"ada"}}'
const WARM_UP_ROUNDS = 300
const LEAST_ROUNDS = 500

export const timingTorture: Torture = {
  about: 'the time of a refusal, which must not tell what was wrong',
  breakages: {
    'an unknown id costs one search more than a known one': {
      seam: 'equal-time',
      by: 'return ABSENT',
    },
  },
  run,
}

/** Refusals of the same status, each of which asks something else each time. */
type Group = {
  readonly name: string
  readonly status: number
  readonly requests: Readonly<Record<string, (round: number) => string>>
}

type Issued = { readonly id: string; readonly token: string }

type Victims = {
  readonly key: string
  readonly live: Issued
  readonly ended: Issued
  /** The same in an app. */
  readonly ofShop: { readonly live: Issued; readonly ended: Issued }
}

async function run({ random, endsAt, folder, spawn }: Given): Promise<Finding> {
  const dataPath = join(folder, 'sessions.db')
  const server = await spawn(['--data', dataPath, '--trust-proxy', 'loopback'])
  const groups = groupsOf(
    await makeVictims(server, readFileSync(`${dataPath}.api-key`, 'utf8').trim()),
  )
  const violations: string[] = []
  let samples = 0
  let pairs = 0
  let largest = 0
  for (const [index, group] of groups.entries()) {
    const forMs = (endsAt - performance.now()) / (groups.length - index)
    const measureGroup = () => measure(server, group, random, performance.now() + forMs)
    const times = await measureGroup()
    for (const kept of times.values()) samples += kept.length
    const compared = compare(times)
    pairs += compared.length
    largest = Math.max(largest, ...compared.map(({ t }) => Math.abs(t)))
    if (!compared.some(tells)) continue
    // Noise of the machine's lasts for many requests, which are not then independent; a leak stays.
    const again = compare(await measureGroup())
    for (const [place, first] of compared.entries()) {
      const confirming = (again[place]?.t ?? 0) * Math.sign(first.t)
      if (tells(first) && confirming >= CONFIRMING_T) {
        violations.push(`${group.name}: ${first.words}; measured again, t ${confirming.toFixed(1)}`)
      }
    }
  }
  return { violations, figures: { samples, pairs, largestT: Math.round(largest * 10) / 10 } }
}

/** Two kinds of refusal; both figures are positive where the first takes longer. */
type Comparison = { readonly t: number; readonly us: number; readonly words: string }

function tells({ t, us }: Comparison): boolean {
  return Math.abs(t) >= TELLING_T && Math.abs(us) >= TELLING_US
}

function compare(times: ReadonlyMap<string, readonly number[]>): Comparison[] {
  return Array.from(pairsOf([...times]), ([[one, mine], [other, theirs]]) => {
    const t = welch(mine, theirs)
    const [my, their] = [mean(mine), mean(theirs)]
    const words = `"${one}" takes ${my.toFixed(1)} µs and "${other}" ${their.toFixed(1)}, t ${t.toFixed(1)}`
    return { t, us: my - their, words }
  })
}

/** Each request of a group has the same length, as far as what it is about lets it. */
function groupsOf({ key, live, ended, ofShop }: Victims): Group[] {
  const nobody = '192.0.2.1'
  return [
    {
      name: 'wrong tokens',
      status: 404,
      requests: {
        'unknown id': () => tokenRequest(`${nanoid(21)}.${nanoid(43)}`),
        'wrong secret': () => tokenRequest(`${live.id}.${nanoid(43)}`),
        'all but its end right': () => tokenRequest(nearly(live.token)),
        'wrong secret, ended': () => tokenRequest(`${ended.id}.${nanoid(43)}`),
        malformed: () => tokenRequest(nanoid(65)),
      },
    },
    {
      name: 'wrong tokens of an app',
      status: 404,
      requests: {
        'unknown id': () => tokenRequest(`shop~${nanoid(21)}.${nanoid(43)}`),
        'unknown app': () => tokenRequest(`${nanoid(4).toLowerCase()}~${nanoid(21)}.${nanoid(43)}`),
        'wrong secret': () => tokenRequest(`${ofShop.live.id}.${nanoid(43)}`),
        'all but its end right': () => tokenRequest(nearly(ofShop.live.token)),
        'wrong secret, ended': () => tokenRequest(`${ofShop.ended.id}.${nanoid(43)}`),
      },
    },
    {
      // What is no key is answered sooner; whoever sends it knew that.
      name: 'wrong API keys',
      status: 401,
      requests: {
        unknown: (round) => keyRequest(`ck_${nanoid(43)}`, addressOf(round)),
        'all but its end right': (round) => keyRequest(nearly(key), addressOf(round)),
      },
    },
    {
      name: 'too many wrong API keys',
      status: 429,
      requests: {
        unknown: () => keyRequest(`ck_${nanoid(43)}`, nobody),
        'all but its end right': () => keyRequest(nearly(key), nobody),
      },
    },
  ]
}

async function makeVictims({ url }: RunningServer, key: string): Promise<Victims> {
  const headers = { authorization: `Bearer ${key}` }
  async function ask(method: string, path: string, body?: string): Promise<Issued> {
    const answer = await fetch(`${url}/sessions${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    return (answer.status === 204 ? {} : await answer.json()) as Issued
  }
  async function logInToShop(): Promise<Issued> {
    const path = `/shop~${nanoid(21)}`
    await ask('PUT', path, '{}')
    return await ask('POST', `${path}/renew`)
  }
  const [live, ended] = [await ask('POST', '', ADA), await ask('POST', '', ADA)]
  const ofShop = { live: await logInToShop(), ended: await logInToShop() }
  for (const { id } of [ended, ofShop.ended]) await ask('DELETE', `/${id}`)
  return { key, live, ended, ofShop }
}

/** The microseconds of each request, in an order that chance decides, without the slower ones. */
async function measure(
  { url }: RunningServer,
  { status, requests }: Group,
  random: Random,
  until: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  const times = new Map<string, number[]>(Object.keys(requests).map((name) => [name, []]))
  for (let round = 0; round < LEAST_ROUNDS || performance.now() < until; round++) {
    for (const [name, request] of shuffled(Object.entries(requests), random)) {
      const { us, head } = await ask(socket, request(round))
      // Every few seconds the first of too many wrong keys are answered as if they were few.
      if (round >= WARM_UP_ROUNDS && head.startsWith(`HTTP/1.1 ${status} `))
        times.get(name)?.push(us)
    }
  }
  socket.destroy()
  for (const all of times.values()) {
    all.sort((a, b) => a - b)
    all.length = Math.floor(all.length * KEPT_SHARE)
  }
  return times
}

/** Until the whole answer is there. */
async function ask(socket: Socket, text: string): Promise<{ us: number; head: string }> {
  const answer = Promise.withResolvers<string>()
  let received = ''
  const read = (chunk: string) => {
    received += chunk
    const headEnd = received.indexOf('\r\n\r\n')
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1])
    if (headEnd !== -1 && received.length >= headEnd + 4 + length) answer.resolve(received)
  }
  socket.on('data', read)
  // V8 keeps a text that was put together in parts, and to join these would take a part of the time.
  const bytes = Buffer.from(text, 'latin1')
  const began = performance.now()
  socket.write(bytes)
  const head = await answer.promise
  const us = (performance.now() - began) * 1000
  socket.off('data', read)
  return { us, head }
}

/** As a trusted proxy tells of it: few failures each, so that the limit does not come in between. */
function addressOf(round: number): string {
  const n = Math.floor(round / (FAILURES_OF_ONE_ADDRESS / 2))
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
}

/** With another last character, so that it differs as late as it can. */
function nearly(text: string): string {
  return `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`
}

function keyRequest(key: string, address: string): string {
  return (
    'GET /sessions?limit=1 HTTP/1.1\r\nHost: localhost\r\n' +
    `X-Forwarded-For: ${address}\r\nAuthorization: Bearer ${key}\r\n\r\n`
  )
}

function tokenRequest(token: string): string {
  return `GET /session HTTP/1.1\r\nHost: localhost\r\nCookie: sid=${token}\r\n\r\n`
}

function* pairsOf<T>(items: readonly T[]): Generator<[T, T]> {
  for (const [index, one] of items.entries()) {
    for (const other of items.slice(index + 1)) yield [one, other]
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random.below(2 ** 32) }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

function welch(a: readonly number[], b: readonly number[]): number {
  const spread = variance(a) / a.length + variance(b) / b.length
  return (mean(a) - mean(b)) / Math.sqrt(spread)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function variance(values: readonly number[]): number {
  const middle = mean(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
}
