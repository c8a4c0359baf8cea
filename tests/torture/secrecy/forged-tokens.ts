/**
 * Tokens that the server did not hand out, or that are dead, in every place where one can stand: none
 * opens a session, none makes or changes a row, and all get the one answer of their place.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { plainId } from '../../../lib/session/session-id.ts'
import { hashSecret, isToken } from '../../../lib/session/token.ts'
import { bytesOf, openRawClient, type RawClient } from '../../kit/clients/raw-http.ts'
import { type StreamAnswer } from '../../kit/clients/stream-answer.ts'
import type { Random } from '../engine/random.ts'
import type { Finding, Given, Torture } from '../torture.ts'

const WORKERS = 6
const HEADER_LIMIT = 16_384
/** The sessions that are to expire do so after a second. */
const EXPIRY_LIMIT_MS = 5_000
const ALPHABET = 'useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict'
/** Also where little time is left: enough for every kind of token in every place. */
const LEAST_TOKENS = 3_000
const VIOLATION_LIMIT = 50

export const forgedTokensTorture: Torture = {
  about: 'forged, expired, malformed and oversized tokens, wherever a token can stand',
  breakages: {
    'any secret will do': {
      seam: 'constant-time',
      by: `return true || timingSafeEqual(
  Buffer.from(hashSecret(secret), 'latin1'),
  Buffer.from(secretHash, 'latin1'),
)`,
    },
    'the hash in the file opens the session': {
      seam: 'constant-time',
      by: `return secret === secretHash || timingSafeEqual(
  Buffer.from(hashSecret(secret), 'latin1'),
  Buffer.from(secretHash, 'latin1'),
)`,
    },
    'a session that has expired lives on': {
      seam: 'expiry',
      by: 'return now < expiresAt(session) + 1e12',
    },
    'the id that was asked for is adopted': {
      seam: 'no-adopted-id',
      by: "if (found.state !== 'live') { void store.insert(beginSession({ id, secretHash: hashSecret(secret) }, { name: 'clear' }, null, clock.now(), limits).session); return ABSENT }",
    },
    'a live session is told apart': {
      seam: 'equal-time',
      by: "throw new CoatcheckError('invalid_argument', 'Cannot open the session: wrong secret')",
    },
  },
  run,
}

type Issued = { readonly id: string; readonly secret: string; readonly token: string }

type Victims = {
  readonly key: string
  readonly live: readonly Issued[]
  /** Logged out, renewed since, or expired: with the right secret they are 410. */
  readonly dead: readonly Issued[]
  /** Sessions under the ids of a back end, which have no secret. */
  readonly chosenIds: readonly string[]
}

/** How a token is shown, and what is asked with it. */
type Place = {
  readonly request: (token: string) => Buffer
  /** A header takes no token with a semicolon, a blank around it or a control character in it. */
  readonly isHeader: boolean
  /** The status of a token that was right once; where there is none, such a token is no other. */
  readonly statusOfDead?: number
  /** How many answers there are; 1 where it is not said. */
  readonly answers?: number
}

async function run({ random, endsAt, folder, spawn }: Given): Promise<Finding> {
  const dataPath = join(folder, 'sessions.db')
  // What has expired stays where it is: to be dead it need not be swept.
  const server = await spawn(['--data', dataPath, '--sweep-interval', '1d'])
  const wire = openRawClient(server.url)
  const victims = await makeVictims(wire, readFileSync(`${dataPath}.api-key`, 'utf8').trim())
  if (typeof victims === 'string') return { violations: [victims], figures: {} }
  const before = rowsIn(dataPath)
  const figures = { tokens: 0, accepted: 0, 'new sessions for writes': 0, 'rows made': 0 }
  const violations: string[] = []
  const answers = new Map<string, Set<string>>()
  const places = Object.entries(placesOf(victims))
  const seen = (violation: string): void => {
    if (violations.length < VIOLATION_LIMIT) violations.push(violation)
  }

  const work = async (random: Random): Promise<void> => {
    while (
      (performance.now() < endsAt || figures.tokens < LEAST_TOKENS) &&
      violations.length < VIOLATION_LIMIT
    ) {
      const [where, place] = random.pick(places)
      if (place.statusOfDead !== undefined && random.oneIn(20)) {
        const { token } = random.pick(victims.dead)
        const answer = await wire.ask(place.request(token))
        figures.tokens++
        if (answer.status === place.statusOfDead) continue
        seen(`a dead token is answered ${answer.status} ${where}`)
        continue
      }
      const { kind, token } = forge(victims, random, place.isHeader)
      const answer = await wire.ask(place.request(token))
      figures.tokens++
      if (answer.status < 400) figures.accepted++
      if (answer.status < 400 || answer.status >= 500) {
        seen(`${kind}, ${where}: answered ${answer.status}`)
      }
      const group = `${where}, ${shapeOf(token)}`
      const known = answers.get(group) ?? new Set()
      const before = known.size
      answers.set(group, known.add(signatureOf(answer)))
      if (known.size > Math.max(before, place.answers ?? 1)) {
        seen(`${kind}, ${group}: answered in another way: ${[...known].join(' or ')}`)
      }
      if (random.oneIn(40)) {
        figures['new sessions for writes']++
        const adopted = await writeWith(wire, forge(victims, random, true).token, victims)
        if (adopted !== undefined) seen(adopted)
      }
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, () => work(random.fork())))
  wire.close()

  const after = rowsIn(dataPath)
  figures['rows made'] =
    after.sessions.length - before.sessions.length - figures['new sessions for writes']
  if (figures['rows made'] !== 0) seen(`${figures['rows made']} sessions came from nothing`)
  const kept = after.sessions.slice(0, before.sessions.length)
  for (const [n, row] of kept.entries()) {
    if (row !== before.sessions[n]) seen(`a session changed from ${before.sessions[n]} to ${row}`)
  }
  if (after.tombstones !== before.tombstones) seen('a session was ended')
  return { violations, figures: { ...figures, places: places.length } }
}

/** Asks with a token to write: that begins a session, but never the one asked for. */
async function writeWith(
  wire: RawClient,
  token: string,
  victims: Victims,
): Promise<string | undefined> {
  const headers = [utf8(`Cookie: sid=${token.slice(0, 4_000)}`)]
  const answer = await wire.ask(bytesOf('PUT', '/session/user', { headers, body: '"eve"' }))
  const [id = ''] =
    /^sid=([\w-]{21})\./.exec(answer.headers.get('set-cookie') ?? '')?.slice(1) ?? []
  if (answer.status !== 204 || id === '') return `a write with it is ${answer.status}`
  const isKnown = [...victims.live, ...victims.dead].some((issued) => issued.id === id)
  return isKnown || token.includes(id) ? `a write with it goes to ${id}` : undefined
}

function placesOf({ key, live }: Victims): Record<string, Place> {
  const cookie = (method: string, target: string, more: readonly string[] = []) => ({
    isHeader: true,
    request: (token: string) => {
      return bytesOf(method, target, { headers: [utf8(`Cookie: sid=${token}`), ...more] })
    },
  })
  const bearer = (method: string, target: string) => ({
    isHeader: true,
    request: (token: string) => {
      return bytesOf(method, target, { headers: [utf8(`Authorization: Bearer ${token}`)] })
    },
  })
  const own = (method: string, target: string, more: readonly string[] = []) => ({
    isHeader: true,
    request: (token: string) => {
      return bytesOf(method, target, { headers: [utf8(`Session-Token: ${token}`), ...more] })
    },
  })
  const target = (method: string, path: (encoded: string) => string, headers: string[] = []) => ({
    isHeader: false,
    request: (token: string) => bytesOf(method, path(encodeURIComponent(token)), { headers }),
  })
  const body = (method: string, path: string) => ({
    isHeader: false,
    request: (token: string) => {
      return bytesOf(method, path, { body: Buffer.from(JSON.stringify({ token, sid: token })) })
    },
  })
  const real = live[0]?.token ?? ''
  return {
    'as the cookie of GET /session': { ...cookie('GET', '/session'), statusOfDead: 410 },
    'as the cookie of GET /session/user': { ...cookie('GET', '/session/user'), statusOfDead: 410 },
    'as the cookie of DELETE /session': { ...cookie('DELETE', '/session'), statusOfDead: 410 },
    'as the cookie of POST /session/renew': {
      ...cookie('POST', '/session/renew'),
      statusOfDead: 410,
    },
    'as the cookie of POST /session/clear': {
      ...cookie('POST', '/session/clear'),
      statusOfDead: 410,
    },
    'as the cookie of GET /verify': { ...cookie('GET', '/verify'), statusOfDead: 401 },
    'as the cookie before the right one': {
      isHeader: true,
      request: (token) => {
        const line = utf8(`Cookie: sid=${token}; sid=${real}`)
        return bytesOf('GET', '/session', { headers: [line] })
      },
    },
    'as the cookie of a back end': cookie('GET', '/session', [`Authorization: Bearer ${key}`]),
    'as the bearer of GET /session': { ...bearer('GET', '/session'), statusOfDead: 410 },
    'as the bearer of DELETE /session/user': {
      ...bearer('DELETE', '/session/user'),
      statusOfDead: 410,
    },
    // A proxy's client may show what is meant for the program behind it: that is passed over.
    'as the bearer of GET /verify': { ...bearer('GET', '/verify'), statusOfDead: 401 },
    'as the Session-Token of GET /session': { ...own('GET', '/session'), statusOfDead: 410 },
    'as the Session-Token of a back end': {
      ...own('DELETE', '/session/user', [`Authorization: Bearer ${key}`]),
      statusOfDead: 410,
    },
    'as the Session-Token beside the right bearer': own('GET', '/session', [
      `Authorization: Bearer ${real}`,
    ]),
    'as the Session-Token of GET /verify': { ...own('GET', '/verify'), statusOfDead: 401 },
    // None at all is told apart, and the eleventh wrong one of an address in ten seconds is to wait.
    'as an API key': { ...bearer('GET', '/sessions'), answers: 3 },
    'in the path, with no key': target('GET', (token) => `/sessions/${token}`),
    'in the path, with a key': target('GET', (token) => `/sessions/${token}/user`, [
      `Authorization: Bearer ${key}`,
    ]),
    'in the query': target('GET', (token) => `/session?sid=${token}&token=${token}`),
    'in the query of /verify': target('GET', (token) => `/verify?access_token=${token}`),
    'in the body of DELETE /session': body('DELETE', '/session'),
    'in the body of POST /session/renew': body('POST', '/session/renew'),
  }
}

function forge(
  victims: Victims,
  random: Random,
  isHeader: boolean,
): { readonly kind: string; readonly token: string } {
  const { id, secret, token } = random.pick(victims.live)
  const other = random.pick(victims.live.filter((issued) => issued.id !== id))
  const dead = random.pick(victims.dead)
  const chosenId = random.pick(victims.chosenIds)
  const at = random.below(token.length)
  const makers: Record<string, () => string> = {
    'an unknown id': () => `${word(random, 21)}.${word(random, 43)}`,
    'a wrong secret': () => `${id}.${word(random, 43)}`,
    "another session's secret": () => `${id}.${other.secret}`,
    'the hash for the secret': () => `${id}.${hashSecret(secret)}`,
    'a dead session, a wrong secret': () => `${dead.id}.${word(random, 43)}`,
    'a dead session, a live secret': () => `${dead.id}.${secret}`,
    'another app': () => `${random.pick(['shop-b', 'shop', 's', ''])}~${plainId(id)}.${secret}`,
    'without its app, or with one too many': () =>
      id.includes('~') ? `${plainId(id)}.${secret}` : `shop~${token}`,
    'one character changed': () => {
      const [changed = ''] = [...word(random, 8)].filter((char) => char !== token[at])
      return `${token.slice(0, at)}${changed}${token.slice(at + 1)}`
    },
    'one character missing': () => `${token.slice(0, at)}${token.slice(at + 1)}`,
    'one character more': () => `${token.slice(0, at)}${word(random, 1)}${token.slice(at)}`,
    'another character for the dot': () => `${id}${random.pick([':', '-', ',', '%2E'])}${secret}`,
    'the secret alone': () => secret,
    'an empty secret': () => `${id}.`,
    'the parts the wrong way round': () => `${secret}.${id}`,
    'in base64': () => Buffer.from(token).toString('base64'),
    'in upper case': () => token.toUpperCase(),
    'in escapes': () => `%${Buffer.from(token).toString('hex').match(/../g)?.join('%')}`,
    'in quotes': () => `"${token}"`,
    twice: () => token + token,
    'an id with no secret, and one': () => `${chosenId}.${word(random, 43)}`,
    'an id with no secret, and null': () => `${chosenId}.${random.pick(['null', '', 'undefined'])}`,
    'an id with no secret, as long as a token': () => chosenId.padEnd(65, '.'),
    SQL: () => `${id}' or '1'='1`,
    'a name of JavaScript': () => random.pick(['__proto__', 'constructor', 'toString', 'null']),
    'a file': () => '../../etc/passwd',
    'other alphabets': () => `${id}.${'ſÅ'.repeat(22)}`.slice(0, 65),
    oversized: () => token + word(random, 100 + random.below(5_000)),
    'larger than the headers': () => token + word(random, HEADER_LIMIT + random.below(20_000)),
  }
  const inHeader: Record<string, () => string> = {
    // In a path it is what a back end names a session by.
    'the id alone': () => id,
    'a chosen id alone': () => chosenId,
    // In a path it would be another one.
    nothing: () => '',
  }
  const inText: Record<string, () => string> = {
    'with a NUL': () => `${token.slice(0, at)}\0${token.slice(at)}`,
    'with a line end': () => `${token}\r\n`,
    'with a semicolon': () => `${token};`,
    // Right in a header, and only there.
    'the right one, in a wrong place': () => token,
  }
  const [kind, make] = random.pick(Object.entries({ ...makers, ...(isHeader ? inHeader : inText) }))
  const made = make()
  // An id in upper case may have been so before, and a change may fall on itself.
  return isHeader && made === token
    ? { kind: 'an unknown id', token: word(random, 65) }
    : { kind, token: made }
}

/** Or what keeps it from making them. */
async function makeVictims(wire: RawClient, key: string): Promise<Victims | string> {
  const authorization = `Authorization: Bearer ${key}`
  const create = async (session: object): Promise<Issued> => {
    const body = JSON.stringify(session)
    const answer = await wire.ask(bytesOf('POST', '/sessions', { headers: [authorization], body }))
    const { token }: { token: string } = JSON.parse(answer.body.toString())
    const [id = '', secret = ''] = token.split('.')
    return { id, secret, token }
  }
  const ask = async (method: string, path: string, { token }: Issued) => {
    return await wire.ask(bytesOf(method, path, { headers: [`Cookie: sid=${token}`] }))
  }
  const several = async (session: object) => {
    return await Promise.all(Array.from({ length: 4 }, () => create(session)))
  }

  /** In an app: the key of all apps names it there, and a renewal gives it a token. */
  const createInApp = async (app: string, n: number): Promise<Issued> => {
    const path = `/sessions/${app}~a-session-of-an-app-${n}`
    const headers = [authorization]
    await wire.ask(bytesOf('PUT', path, { headers, body: '{"data":{"user":"ada"}}' }))
    const answer = await wire.ask(bytesOf('POST', `${path}/renew`, { headers }))
    const { token }: { token: string } = JSON.parse(answer.body.toString())
    const [id = '', secret = ''] = token.split('.')
    return { id, secret, token }
  }

  const live = [
    ...(await several({ claims: { sub: 'ada' }, data: { user: 'ada' } })),
    ...(await Promise.all(['shop', 'shop', 'shop-b'].map(createInApp))),
  ]
  const loggedOut = await several({})
  for (const one of loggedOut) await ask('DELETE', '/session', one)
  const renewed = await several({})
  for (const one of renewed) await ask('POST', '/session/renew', one)
  const expired = await several({ idleTimeout: 1 })
  const patience = performance.now() + EXPIRY_LIMIT_MS
  for (const one of expired) {
    // Without a touch, which would keep it alive.
    while ((await ask('GET', '/session?touch=false', one)).status !== 410) {
      if (performance.now() > patience) return `${one.id} does not expire`
      await sleep(50)
    }
  }
  const chosenIds = ['chosen-by-a-back-end', 'user-42-session-of-ada-lovelace']
  for (const id of chosenIds) {
    const headers = [authorization]
    await wire.ask(bytesOf('PUT', `/sessions/${id}`, { headers, body: '{}' }))
  }
  return { key, live, dead: [...loggedOut, ...renewed, ...expired], chosenIds }
}

/** What is in the file, in words: sessions in their order, what a touch changes among it. */
function rowsIn(path: string): { readonly sessions: string[]; readonly tombstones: string } {
  const database = new Database(path, { readonly: true })
  const sessions = database.prepare('select * from sessions order by number').all()
  const tombstones = database.prepare('select * from tombstones order by id').all()
  database.close()
  return {
    sessions: sessions.map((row) => JSON.stringify(row)),
    tombstones: JSON.stringify(tombstones),
  }
}

/** What its sender knows of it, and may be told: anything else is one answer. */
function shapeOf(token: string): string {
  if (token === '') return 'none'
  if (token.length > HEADER_LIMIT) return 'too large'
  return isToken(Buffer.from(token).toString('latin1')) ? 'of the shape of a token' : 'malformed'
}

/** All that an answer tells, but the time of day. */
function signatureOf({ status, headers, body }: StreamAnswer): string {
  const lines = [...headers].filter(([name]) => name !== 'date').map((pair) => pair.join(': '))
  return `${status} ${lines.join(' ')} ${body}`
}

function word(random: Random, length: number): string {
  return Array.from({ length }, () => ALPHABET[random.below(ALPHABET.length)]).join('')
}

function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8')
}
