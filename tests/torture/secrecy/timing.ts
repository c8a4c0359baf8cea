/**
 * What the time of an answer tells of a key or a token that is refused. All kinds of refusal are asked in
 * each round, over one connection, and compared within blocks of rounds: what slows the machine down for
 * a while slows all of them. One kind is asked under two names; where these differ nothing was measured.
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
 * What tells is at least so much as well, in two measurements: less lies in what is in the processor's
 * caches. That costs more where the machine is slow or others use them, so a share of the time counts, too.
 */
const TELLING_US = 2
const TELLING_SHARE = 0.03
/** So many wrong keys of one address are answered as such in a while; after that, with 429. */
const FAILURES_OF_ONE_ADDRESS = 8
const ADA = '{"claims":{"sub":"ada"}}'
const WARM_UP_ROUNDS = 300
const BLOCK_ROUNDS = 20
const LEAST_BLOCKS = 50
/** At either end. */
const TRIMMED_SHARE = 0.2
/** As often as machines are found too restless before that is a failure. */
const MOST_TRIES = 5
/** So many of each, since it matters whether a text was seen before: an unknown id is seen as often as a known one. */
const VICTIMS = 16
/** The first kind of each group, once more. */
const SAME = 'the same again'

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
  readonly live: readonly Issued[]
  readonly ended: readonly Issued[]
  /** The same in an app. */
  readonly ofShop: { readonly live: readonly Issued[]; readonly ended: readonly Issued[] }
}

async function run({ random, endsAt, folder, spawn }: Given): Promise<Finding> {
  const dataPath = join(folder, 'sessions.db')
  const server = await spawn(['--data', dataPath, '--trust-proxy', 'loopback'])
  const groups = groupsOf(
    await makeVictims(server, readFileSync(`${dataPath}.api-key`, 'utf8').trim()),
  )
  const violations: string[] = []
  const figures = { rounds: 0, pairs: 0, largestUs: 0, again: 0 }
  for (const [index, group] of groups.entries()) {
    const forMs = (endsAt - performance.now()) / (groups.length - index)
    const first = await compareQuietly(server, group, random, forMs)
    figures.rounds += first.rounds
    figures.pairs += first.pairs.length
    for (const { us } of first.pairs) figures.largestUs = Math.max(figures.largestUs, Math.abs(us))
    if (!first.pairs.some(({ tells }) => tells)) continue
    figures.again++
    const again = await compareQuietly(server, group, random, forMs)
    for (const [place, one] of first.pairs.entries()) {
      const other = again.pairs[place]
      if (!one.tells || !other?.tells || one.us * other.us < 0) continue
      violations.push(`${group.name}: ${one.words}; measured again, ${other.words}`)
    }
  }
  return { violations, figures: { ...figures, largestUs: Math.round(figures.largestUs * 10) / 10 } }
}

/** Two kinds of refusal; both figures are positive where the first takes longer. */
type Pair = {
  readonly t: number
  readonly us: number
  readonly tells: boolean
  readonly words: string
}

type Compared = { readonly pairs: readonly Pair[]; readonly rounds: number }

/** On a machine that is so quiet that a kind does not differ from itself. */
async function compareQuietly(
  server: RunningServer,
  group: Group,
  random: Random,
  forMs: number,
): Promise<Compared> {
  for (let tries = 1; ; tries++) {
    const blocks = await measure(server, group, random, performance.now() + forMs)
    const [[first, means] = ['', []]] = blocks
    const same = compare([first, means], [SAME, blocks.get(SAME) ?? []])
    if (same.tells && tries < MOST_TRIES) continue
    if (same.tells) throw new Error(`Cannot measure on this machine: ${same.words}`)
    const kinds = [...blocks].filter(([name]) => name !== SAME)
    const pairs = Array.from(pairsOf(kinds), ([one, other]) => compare(one, other))
    return { pairs, rounds: means.length * BLOCK_ROUNDS }
  }
}

/** A name, and what the requests of it took in each block, in µs. */
type Measured = readonly [name: string, blocks: readonly number[]]

/**
 * The paired t of trimmed means: of the differences in each block those at both ends do not count, where
 * the machine was held up (K. K. Yuen, Biometrika 61, 1974).
 */
function compare([one, mine]: Measured, [other, theirs]: Measured): Pair {
  const all = mine.map((us, block) => us - (theirs[block] ?? NaN)).sort((a, b) => a - b)
  const trimmed = Math.floor(all.length * TRIMMED_SHARE)
  const kept = all.slice(trimmed, all.length - trimmed)
  const [least = NaN, most = NaN] = [kept[0], kept.at(-1)]
  const winsorized = all.map((difference) => Math.min(Math.max(difference, least), most))
  const us = mean(kept)
  const t = (us * kept.length) / Math.sqrt(variance(winsorized) * all.length)
  const usual = mine.toSorted((a, b) => a - b)[mine.length >> 1] ?? NaN
  const leastUs = Math.max(TELLING_US, TELLING_SHARE * usual)
  const tells = Math.abs(t) >= TELLING_T && Math.abs(us) >= leastUs
  const words = `"${one}" takes ${usual.toFixed(1)} µs, ${us.toFixed(1)} more than "${other}", t ${t.toFixed(1)}`
  return { t, us, tells, words }
}

/** Each request of a group has the same length. */
function groupsOf({ key, live, ended, ofShop }: Victims): Group[] {
  const nobody = '192.0.2.1'
  const unknownKeys = Array.from({ length: VICTIMS }, () => `ck_${nanoid(43)}`)
  return [
    {
      name: 'wrong tokens',
      status: 404,
      requests: {
        ...kindsOf(live, ended),
        malformed: () => tokenRequest(nanoid(65)),
      },
    },
    {
      name: 'wrong tokens of an app',
      status: 404,
      requests: {
        ...kindsOf(ofShop.live, ofShop.ended),
        'unknown app': (round) =>
          tokenRequest(`post${pick(ofShop.live, round).id.slice(4)}.${nanoid(43)}`),
      },
    },
    {
      // What is no key is answered sooner; whoever sends it knew that.
      name: 'wrong API keys',
      status: 401,
      requests: {
        unknown: (round) => keyRequest(pick(unknownKeys, round), addressOf(round)),
        'all but its end right': (round) => keyRequest(nearly(key, round), addressOf(round)),
      },
    },
    {
      name: 'too many wrong API keys',
      status: 429,
      requests: {
        unknown: (round) => keyRequest(pick(unknownKeys, round), nobody),
        'all but its end right': (round) => keyRequest(nearly(key, round), nobody),
      },
    },
  ]
}

function kindsOf(live: readonly Issued[], ended: readonly Issued[]): Group['requests'] {
  return {
    'unknown id': (round) => tokenRequest(`${nearly(pick(live, round).id)}.${nanoid(43)}`),
    'wrong secret': (round) => tokenRequest(`${pick(live, round).id}.${nanoid(43)}`),
    'all but its end right': (round) => tokenRequest(nearly(pick(live, round).token)),
    'wrong secret, ended': (round) => tokenRequest(`${pick(ended, round).id}.${nanoid(43)}`),
  }
}

function pick<T>(items: readonly T[], round: number): T {
  const item = items[round % items.length]
  if (item === undefined) throw new Error('There is nothing to pick from')
  return item
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
  async function logIn(one: () => Promise<Issued>): Promise<Issued[]> {
    const all: Issued[] = []
    while (all.length < VICTIMS) all.push(await one())
    return all
  }
  const logInHere = () => ask('POST', '', ADA)
  const [live, ended] = [await logIn(logInHere), await logIn(logInHere)]
  const ofShop = { live: await logIn(logInToShop), ended: await logIn(logInToShop) }
  for (const { id } of [...ended, ...ofShop.ended]) await ask('DELETE', `/${id}`)
  return { key, live, ended, ofShop }
}

/** Of each kind what a request took in each block: the mean of the faster half, in µs. */
async function measure(
  { url }: RunningServer,
  { status, requests }: Group,
  random: Random,
  until: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  const kinds = Object.entries(requests)
  for (const [, request] of kinds.slice(0, 1)) kinds.push([SAME, request])
  const blocks = new Map<string, number[]>(kinds.map(([name]) => [name, []]))
  let block: ReadonlyMap<string, number>[] = []
  let rounds = 0
  for (let round = 0; rounds < LEAST_BLOCKS * BLOCK_ROUNDS || performance.now() < until; round++) {
    const times = new Map<string, number>()
    for (const [name, request] of shuffled(kinds, random)) {
      const { us, head } = await ask(socket, request(round))
      // Every few seconds the first of too many wrong keys are answered as if they were few.
      if (head.startsWith(`HTTP/1.1 ${status} `)) times.set(name, us)
    }
    if (round < WARM_UP_ROUNDS || times.size < kinds.length) continue
    block.push(times)
    rounds++
    if (block.length < BLOCK_ROUNDS) continue
    for (const [name, means] of blocks) means.push(fasterHalf(block, name))
    block = []
  }
  socket.destroy()
  return blocks
}

/** The slower half is the garbage collector's and the kernel's at least as much as the server's. */
function fasterHalf(block: readonly ReadonlyMap<string, number>[], name: string): number {
  const times = block.map((round) => round.get(name) ?? NaN).sort((a, b) => a - b)
  return mean(times.slice(0, times.length / 2))
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
function nearly(text: string, round = 0): string {
  const others = [...'ABCDEFGHIJKLMNOPQ'].filter((end) => !text.endsWith(end))
  return text.slice(0, -1) + pick(others.slice(0, VICTIMS), round)
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

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function variance(values: readonly number[]): number {
  const middle = mean(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
}
