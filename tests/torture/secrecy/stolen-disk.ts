/**
 * Traffic, and then a thief: everything that the server leaves on disk, logs or answers in errors, and
 * all that its commands print, is searched for every secret and API key that was ever given out. None
 * may be there, in part, in whatever encoding. (The first API key stands in its own file, as the manual
 * says, and the output of `key new` is the one place of the others: neither is searched for that key.)
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Answer, openClient, type Sent } from '../../kit/clients/http-client.ts'
import { type RunningServer, runServer } from '../../kit/process/spawn-server.ts'
import type { Random } from '../engine/random.ts'
import { createSecretSearch, type SecretSearch } from '../engine/server/secret-search.ts'
import type { Finding, Given, Torture } from '../torture.ts'

const WORKERS = 8
/** In each half of the time, also where there is too little left of it. */
const LEAST_REQUESTS = 700
/** Sessions that some worker may still use; of dead ones the latest. */
const KEPT = 200

export const stolenDiskTorture: Torture = {
  about: 'a thief of disk, backups, logs and error bodies looks for a token',
  breakages: {
    'the secret itself is kept': { seam: 'only-hash-stored', by: 'return secret.slice(-43)' },
    'the hash is no hash but hex': {
      seam: 'only-hash-stored',
      by: "return Buffer.from(secret).toString('hex').slice(0, 43)",
    },
    'a log line tells the key that is refused': {
      seam: 'log-without-key',
      by: "log.refused('api_key_refused', { client, key: c.req.header('authorization') ?? '' })",
    },
    'an error tells the key that is refused': {
      seam: 'error-without-key',
      by: 'if (waitMs === 0) throw apiKeyRequired(`${key} is not in force`)',
    },
    'a session keeps the cookie that its browser sent before': {
      seam: 'user-agent',
      by: "userAgent: readHeader(c, 'cookie'),",
    },
  },
  run,
}

type Loot = {
  readonly search: SecretSearch
  readonly live: string[]
  readonly dead: string[]
  readonly keys: string[]
  /** Each body of a refusal once. */
  readonly errors: Set<string>
}

async function run({ random, endsAt, folder, spawn }: Given): Promise<Finding> {
  const dataPath = join(folder, 'sessions.db')
  const args = [
    ...['--data', dataPath, '--idle-timeout', '500ms', '--sweep-interval', '100ms'],
    ...['--keep-ended', '2s', '--max-sessions-per-sub', '5'],
  ]
  const server = await spawn(args)
  const firstKey = readFileSync(`${dataPath}.api-key`, 'utf8').trim()
  const loot: Loot = {
    search: createSecretSearch(),
    live: [],
    dead: [],
    keys: [firstKey],
    errors: new Set(),
  }
  loot.search.add(secretOfKey(firstKey))
  const revoked = await makeKey(dataPath, 'to-be-revoked', loot)
  await makeKey(dataPath, 'another', loot)
  const requests = await haveTraffic(server, loot, random, endsAt, async () => {
    await runServer(['key', 'revoke', 'to-be-revoked', '--data', dataPath])
    loot.keys.push(revoked)
  })

  const places = { searched: 0, bytes: 0 }
  const violations: string[] = []
  const look = (what: string, bytes: Buffer): void => {
    places.searched++
    places.bytes += bytes.length
    const found = loot.search.findIn(bytes)
    if (found.length === 0) return
    const encodings = [...new Set(found)].join(', ')
    violations.push(`${what} has ${found.length} parts of secrets: ${encodings}`)
  }
  const lookAtFiles = (when: string): string[] => {
    const names = filesIn(folder).filter((name) => !name.endsWith('.api-key'))
    for (const name of names) look(`${name}, ${when},`, readFileSync(join(folder, name)))
    return names
  }

  const names = lookAtFiles('while it runs')
  for (const suffix of ['', '-wal', '-shm']) {
    if (!names.includes(`sessions.db${suffix}`)) throw new Error(`There is no sessions.db${suffix}`)
  }
  for (const body of loot.errors) look('an error', Buffer.from(body))
  look('the log', Buffer.from(server.stderr()))
  if (violations.length === 0) {
    await printEverything(dataPath, join(folder, 'first.backup'), loot, look)
    server.kill('SIGKILL')
    const { stdout, stderr } = await server.ended
    look('stdout and the whole log', Buffer.from(stdout + stderr))
    lookAtFiles('after it was killed')
    // Whoever opens it next empties the log into the file.
    const second = await spawn(args)
    second.kill('SIGTERM')
    look('the log of the next start', Buffer.from((await second.ended).stderr))
    lookAtFiles('after it was stopped')
  }

  const figures = {
    requests,
    secrets: loot.search.size,
    ...places,
    'error bodies': loot.errors.size,
  }
  return { violations, figures }
}

/** Resolves with how many requests there were; `halfway` is called once about then. */
async function haveTraffic(
  server: RunningServer,
  loot: Loot,
  random: Random,
  endsAt: number,
  halfway: () => Promise<void>,
): Promise<number> {
  const { ask, close } = openClient(server.url)
  const middle = (performance.now() + endsAt) / 2
  let requests = 0
  const work = async (random: Random, until: number, least: number): Promise<void> => {
    while (performance.now() < until || requests < least) {
      const [line, sent] = chooseRequest(loot, random)
      const answer = await ask(line, sent)
      requests++
      takeSecrets(answer, loot)
      if (answer.status >= 400) loot.errors.add(answer.body)
    }
  }
  for (const until of [middle, endsAt]) {
    const least = requests + LEAST_REQUESTS
    await Promise.all(Array.from({ length: WORKERS }, () => work(random.fork(), until, least)))
    if (until === middle) await halfway()
  }
  close()
  return requests
}

function chooseRequest(loot: Loot, random: Random): [line: string, sent: Sent] {
  const { live, dead, keys } = loot
  const key = random.pick(keys)
  const token = live.length > 0 ? random.pick(live) : 'none'
  const deadToken = dead.length > 0 ? random.pick(dead) : 'none'
  const [id = '', secret = ''] = token.split('.')
  const cookie = `sid=${token}`
  const deadCookie = `sid=${deadToken}`
  const sub = `user-${random.below(20)}`
  const large = JSON.stringify('x'.repeat(random.below(20_000)))
  const json = (value: unknown): string => JSON.stringify(value)
  return random.pick<[string, Sent]>([
    ['PUT /session/user', { body: '"ada"' }],
    ['PUT /session/user', { body: '"ada"', cookie: deadCookie }],
    ['PUT /session/cart', { body: large, cookie }],
    ['PUT /session/cart', { body: large, cookie }],
    ['DELETE /session/cart', { cookie }],
    ['GET /session', { cookie }],
    ['GET /session/user', { cookie: deadCookie }],
    ['GET /session', { headers: { authorization: `Bearer ${token}` } }],
    ['GET /session', { key, headers: { 'session-token': token } }],
    ['POST /session/renew', { headers: { 'session-token': token } }],
    ['GET /session', { key: `${key}x`, headers: { 'session-token': token } }],
    ['GET /session', { headers: { 'session-token': key } }],
    ['GET /verify', { cookie }],
    ['GET /verify', { cookie: deadCookie }],
    ['POST /session/renew', { cookie }],
    ['POST /session/renew', { cookie }],
    ['POST /session/clear', { cookie }],
    ['DELETE /session', { cookie }],
    ['POST /sessions', { key, body: json({ claims: { sub }, data: { cart: ['tea'] } }) }],
    ['PATCH /session', { key, cookie, body: json({ claims: { sub } }) }],
    ['PATCH /session', { cookie, body: json({ permanent: true }) }],
    [`DELETE /sessions?sub=${sub}`, { key }],
    [`DELETE /sessions/${id}`, { key }],
    ['GET /sessions?limit=5', { key }],
    // In places that are not for them.
    ['GET /session', { cookie: `sid=${id}.${secret.slice(1)}${secret.slice(0, 1)}` }],
    ['GET /session', { cookie: `sid=${key}` }],
    ['GET /sessions', { headers: { authorization: `Bearer ${token}` } }],
    ['GET /sessions', { headers: { authorization: `Basic ${btoa(`ada:${token}`)}` } }],
    ['POST /sessions', { body: json({ key }), cookie }],
    ['PATCH /session', { body: json({ token }), cookie }],
    ['PATCH /session/user', { body: json({ [token]: key }), cookie }],
    ['PUT /session/user', { body: `{"token":"${token}`, cookie }],
    ['PUT /cookies/sid', { body: json({ value: token }), cookie }],
    ['PUT /cookies/theme', { body: json({ value: 1, token }), cookie }],
    [`GET /sessions/${token}`, { key }],
    [`PUT /sessions/${token}`, { key, body: '{}' }],
    [`PUT /sessions/shop~${token}`, { key, body: '{}' }],
    [`PUT /sessions/${key}`, { key, body: '{}' }],
    [`DELETE /sessions/${token}`, { key }],
    [`GET /session?touch=${token}`, { cookie }],
    [`GET /sessions?after=${token}`, { key }],
    [`DELETE /sessions?sub=${sub}&except=${token}`, { key }],
    ['GET /session', { cookie, headers: { host: `${token}@localhost` } }],
    ['GET /session', { cookie, headers: { 'if-match': token } }],
    ['PUT /session/user', { body: '1', cookie, headers: { 'if-match': token } }],
    ['GET /metrics', { key }],
  ])
}

/** Every token and key in an answer, wherever it stands; what was there before may be dead now. */
function takeSecrets({ cookie, body }: Answer, { search, live, dead }: Loot): void {
  const handedOut = /"token":"([^"]+)"/.exec(body)?.[1] ?? cookie.slice('sid='.length)
  const [, secret = ''] = handedOut.split('.')
  if (secret === '') return
  search.add(secret)
  live.push(handedOut)
  // They die by and by, of their short time if of nothing else.
  if (live.length > KEPT) dead.push(...live.splice(0, KEPT / 2))
  if (dead.length > KEPT) dead.splice(0, KEPT / 2)
}

async function makeKey(dataPath: string, name: string, { search, keys }: Loot): Promise<string> {
  const key = (await runServer(['key', 'new', name, '--data', dataPath])).stdout.trim()
  if (!key.startsWith('ck_')) throw new Error(`There is no key "${name}"`)
  search.add(secretOfKey(key))
  keys.push(key)
  return key
}

/** What is random in it. */
function secretOfKey(key: string): string {
  return key.slice('ck_'.length)
}

/** Each command that shows anything, a few at a time. */
async function printEverything(
  dataPath: string,
  backupPath: string,
  { live }: Loot,
  look: (what: string, bytes: Buffer) => void,
): Promise<void> {
  const [id = 'none'] = live.at(-1)?.split('.') ?? []
  const commands = [
    ['backup', backupPath],
    ['stats'],
    ['stats', '--json'],
    ['check'],
    ['list'],
    ['list', '--json'],
    ['show', id],
    ['export'],
    ['export', '--with-secret-hashes'],
    ['key', 'list', '--json'],
  ]
  const work = async (): Promise<void> => {
    for (let words = commands.shift(); words !== undefined; words = commands.shift()) {
      const { stdout, stderr } = await runServer([...words, '--data', dataPath])
      look(`what "${words[0]}" prints`, Buffer.from(stdout + stderr))
    }
  }
  await Promise.all([work(), work()])
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}
