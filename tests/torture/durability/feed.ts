/**
 * `kill -9` under load, again and again on one file, beside a reader of the feed that goes on where it
 * was: each acknowledged change has its event, each event is of a change, those of one session come in
 * their order, and each comes once by its id. What the events say of all sessions is what the list says.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createBlockReader, type EventBody } from '../../kit/clients/event-stream.ts'
import { openClient } from '../../kit/clients/http-client.ts'
import { openConnection, type RawConnection } from '../../kit/clients/raw-http.ts'
import type { Random } from '../engine/random.ts'
import type { Finding, Given, Torture } from '../torture.ts'

export const feedTorture: Torture = {
  about: 'kills the server under load, and looks for events that are missing, wrong or there twice',
  breakages: {
    'an event is written after its change': {
      seam: 'outbox',
      by: 'setTimeout(() => insert.run(at, kind, id, sub ?? null, detail), 20)',
    },
    'an event is not written': {
      seam: 'outbox',
      by: 'if (id.charCodeAt(20) % 4 > 0) insert.run(at, kind, id, sub ?? null, detail)',
    },
    'an event is written twice': {
      seam: 'outbox',
      after: 'if (id.charCodeAt(20) % 4 === 0) insert.run(at, kind, id, sub ?? null, detail)',
    },
    'what comes while a page is read is passed over': {
      seam: 'bounds-before-page',
      by: 'const { oldest, newest } = ((b) => ({ ...b, newest: b.newest + 1 }))(readBounds())',
    },
  },
  run,
}

const CLIENTS = 8
const LONGEST_LOAD_MS = 400
/** Nobody is one of them. */
const SUBS = ['ada', 'eve', 'bob', '']

/** What a change must have told: `renewedAs` where it gave another id. */
type Change = Pick<EventBody, 'type' | 'session' | 'sub' | 'renewedAs'>

/** The session of one client. */
type Known = { id: string | undefined; sub: string | undefined }

async function run({ random, endsAt, folder, spawn }: Given): Promise<Finding> {
  const data = join(folder, 'sessions.db')
  const figures = { kills: 0, acknowledged: 0, 'in doubt': 0, events: 0 }
  const violations: string[] = []
  const changes: Change[] = []
  /** Sessions with a change in doubt, and how many may have begun. */
  const doubted = new Set<string>()
  let begunInDoubt = 0
  const told: EventBody[] = []
  let last: string | undefined

  for (;;) {
    const server = await spawn(['--data', data])
    const key = readFileSync(`${data}.api-key`, 'utf8').trim()
    const isLast = performance.now() >= endsAt
    const reader = followFeed(server.url, key, last ?? '0', isLast)
    if (isLast) {
      await reader.done
      told.push(...reader.events)
      violations.push(...reader.faults, ...(await compareWithList(server.url, key, told)))
      server.kill('SIGTERM')
      await server.ended
      break
    }
    const loads = Array.from({ length: CLIENTS }, () => {
      return load(openConnection(server.url), key, random.fork())
    })
    setTimeout(() => server.kill('SIGKILL'), random.below(LONGEST_LOAD_MS))
    for (const { acknowledged, doubt, refused } of await Promise.all(loads)) {
      changes.push(...acknowledged)
      figures.acknowledged += acknowledged.length
      if (doubt === undefined) begunInDoubt++
      else doubted.add(doubt)
      violations.push(...refused)
    }
    await server.ended
    last = (await reader.done) ?? last
    told.push(...reader.events)
    violations.push(...reader.faults)
    figures.kills++
    if (violations.length > 0) break
  }
  figures['in doubt'] = doubted.size + begunInDoubt
  figures.events = told.length
  if (violations.length === 0) violations.push(...compare(told, changes, doubted, begunInDoubt))
  return { violations, figures }
}

/**
 * Reads the stream to its end, or, `toNewest`, to what is the newest as it begins. `done` resolves with
 * the id of the last block, an event's or none's.
 */
function followFeed(url: string, key: string, after: string, toNewest: boolean) {
  const events: EventBody[] = []
  const faults: string[] = []

  async function read(): Promise<string | undefined> {
    let last: string | undefined
    const headers = { authorization: `Bearer ${key}`, 'last-event-id': after }
    try {
      const newest = toNewest ? await newestOf(url, key) : undefined
      if (newest === after) return after
      const answer = await fetch(`${url}/events`, {
        headers: { ...headers, accept: 'text/event-stream' },
      })
      if (answer.status !== 200) {
        faults.push(`going on after ${after} was answered with ${answer.status}`)
        return undefined
      }
      const take = createBlockReader()
      const decoder = new TextDecoder()
      for await (const chunk of answer.body ?? []) {
        for (const block of take(decoder.decode(chunk, { stream: true }))) {
          if (block.data !== undefined) events.push(JSON.parse(block.data))
          last = block.id ?? last
          if (newest !== undefined && last === newest) return last
        }
      }
    } catch {
      // The server was killed.
    }
    return last
  }

  return { events, faults, done: read() }
}

async function newestOf(url: string, key: string): Promise<string> {
  const client = openClient(url)
  const { body } = await client.ask('GET /events?after=now', { key })
  client.close()
  const { next }: { next: string } = JSON.parse(body)
  return next
}

/**
 * Until the server is gone: one session after the other, through its life. `doubt`: the session that was
 * to be changed last, undefined for a new one.
 */
async function load(connection: RawConnection, key: string, random: Random) {
  const acknowledged: Change[] = []
  const refused: string[] = []
  const known: Known = { id: undefined, sub: undefined }
  for (;;) {
    const line = nextLine(known, random)
    const sub = random.pick(SUBS) || undefined
    const body = line.startsWith('P') ? JSON.stringify({ claims: { sub: sub ?? null } }) : ''
    const answer = await connection.ask(line, {
      key,
      body: known.id === undefined && sub === undefined ? '' : body,
    })
    if (answer === undefined) return { acknowledged, refused, doubt: known.id }
    if (answer.status >= 300) {
      refused.push(`${line} was answered with ${answer.status}`)
      return { acknowledged, refused, doubt: known.id }
    }
    acknowledged.push(...changesBy(line, answer.body, known, sub))
  }
}

function nextLine({ id }: Known, random: Random): string {
  if (id === undefined) return 'POST /sessions'
  return random.pick([
    `PATCH /sessions/${id}`,
    `POST /sessions/${id}/renew`,
    `DELETE /sessions/${id}`,
    `DELETE /sessions/${id}`,
  ])
}

/** The changes that an answer acknowledges; `known` is as it is after them. */
function changesBy(line: string, body: string, known: Known, sub: string | undefined): Change[] {
  const { id: before, sub: subBefore } = known
  const withSub = (one: string | undefined) => (one === undefined ? {} : { sub: one })
  if (line.startsWith('DELETE')) {
    Object.assign(known, { id: undefined, sub: undefined })
    return [{ type: 'session.ended', session: before ?? '', ...withSub(subBefore) }]
  }
  const { id }: { id: string } = JSON.parse(body)
  known.id = id
  if (before === undefined) {
    known.sub = sub
    return [{ type: 'session.created', session: id, ...withSub(sub) }]
  }
  const isAssigned = line.startsWith('PATCH') && sub !== subBefore
  if (line.startsWith('PATCH')) known.sub = sub
  const event = { session: before, ...withSub(known.sub) }
  return [
    ...(isAssigned ? [{ type: 'session.assigned', ...event }] : []),
    ...(id === before ? [] : [{ type: 'session.renewed', ...event, renewedAs: id }]),
  ]
}

function compare(
  told: readonly EventBody[],
  changes: readonly Change[],
  doubted: ReadonlySet<string>,
  begunInDoubt: number,
): string[] {
  const violations: string[] = []
  const ids = new Set(told.map(({ id }) => id))
  if (ids.size !== told.length) violations.push(`${told.length - ids.size} events came twice`)

  let begun = 0
  const unmatched = new Map<string, number>()
  for (const event of told) add(unmatched, textOf(event), 1)
  for (const change of changes) add(unmatched, textOf(change), -1)
  for (const [text, count] of unmatched) {
    if (count < 0) violations.push(`acknowledged, and without its event: ${text}`)
    const { session, type }: Change = JSON.parse(text)
    if (count <= 0 || doubted.has(session)) continue
    if (type === 'session.created') begun += count
    else violations.push(`${count} events of no change: ${text}`)
  }
  if (begun > begunInDoubt) violations.push(`${begun - begunInDoubt} sessions began unasked`)
  return [...violations, ...disorderIn(told)]
}

function add(counts: Map<string, number>, text: string, count: number): void {
  counts.set(text, (counts.get(text) ?? 0) + count)
}

function textOf({ type, session, sub, renewedAs }: Change): string {
  return JSON.stringify({ type, session, sub, renewedAs })
}

/** A session begins or gets its id first, and nothing comes after its end or its renewal. */
function disorderIn(told: readonly EventBody[]): string[] {
  const violations: string[] = []
  const over = new Set<string>()
  const begun = new Set<string>()
  for (const { type, session, renewedAs } of told) {
    if (type === 'session.created') begun.add(session)
    else if (!begun.has(session)) violations.push(`${type} of ${session} before it began`)
    if (over.has(session)) violations.push(`${type} of ${session} after it was over`)
    if (type === 'session.ended' || type === 'session.renewed') over.add(session)
    if (renewedAs !== undefined) begun.add(renewedAs)
  }
  return violations
}

/** The sessions that are live by the events, with their users, are those of the list. */
async function compareWithList(
  url: string,
  key: string,
  told: readonly EventBody[],
): Promise<string[]> {
  const live = new Map<string, string | undefined>()
  for (const { type, session, sub, renewedAs } of told) {
    if (type === 'session.ended' || type === 'session.renewed') live.delete(session)
    else live.set(session, sub)
    if (renewedAs !== undefined) live.set(renewedAs, sub)
  }
  const client = openClient(url)
  const listed = new Map<string, string | undefined>()
  for (let after = '0'; ;) {
    const { body } = await client.ask(`GET /sessions?limit=1000&after=${after}`, { key })
    const page: ListBody = JSON.parse(body)
    for (const { id, claims } of page.sessions) listed.set(id, claims.sub)
    if (page.next === null) break
    after = page.next
  }
  client.close()
  const wrong = new Set(
    [...live.keys(), ...listed.keys()].filter((id) => {
      return live.has(id) !== listed.has(id) || live.get(id) !== listed.get(id)
    }),
  )
  return [...wrong].map((id) => {
    const [byEvents, byList] = [live, listed].map((all) => {
      return all.has(id) ? `live, of ${all.get(id) ?? 'nobody'}` : 'over'
    })
    return `${id} is ${byEvents} by the events, and ${byList} by the list`
  })
}

type ListBody = {
  readonly sessions: readonly { readonly id: string; readonly claims: { readonly sub?: string } }[]
  readonly next: string | null
}
