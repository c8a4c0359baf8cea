/** Many requests at once over real sockets, to the real process: what must hold in whatever order they come. */
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type AskServer, openClient } from '../../kit/clients/http-client.ts'
import { API_KEY } from '../../kit/process/open-server.ts'
import { makeFolder, spawnServer } from '../../kit/process/spawn-server.ts'

const ROUNDS = 8
const LIMIT = ['--max-sessions-per-sub', '5']
const REFUSE = [...LIMIT, '--on-session-limit', 'refuse']
const key = API_KEY

const test = suite('races')

test('20 log-ins of one user at once leave 5 live, and the 15 others evicted, each named once', async () => {
  const { ask, close } = await openProcess(LIMIT)
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await atOnce(20, () => logIn(ask, `ada-${round}`))
    assert.equal(statusesOf(answers), { 201: 20 })
    await checkEvictions(ask, `ada-${round}`, answers.map(openedBy))
  }
  await close()
})

test('20 log-ins at once of a user who has 5 sessions end these too', async () => {
  const { ask, close } = await openProcess(LIMIT)
  let live: readonly Opened[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const answers = (await atOnce(20, () => logIn(ask, 'ada'))).map(openedBy)
    const evicted = answers.flatMap((answer) => answer.evicted)
    const all = [...live, ...answers]
    live = all.filter(({ id }) => !evicted.includes(id))
    assert.is(live.length, 5)
    assert.equal(await idsOf(ask, 'ada'), idsIn(live))
    // Of the 5 that are read here, the next round ends each all the same.
    const reasons = await Promise.all(all.map(({ cookie }) => endOf(ask, cookie)))
    assert.equal(countOf(reasons), { evicted: evicted.length, '': 5 })
  }
  await close()
})

test('20 visitors who log in at once as one user leave 5 live, their old tokens dead', async () => {
  const { ask, close } = await openProcess(LIMIT)
  for (let round = 0; round < ROUNDS; round++) {
    const sub = `ada-${round}`
    const visits = await atOnce(20, (n) => ask('PUT /session/visit', { body: String(n) }))
    const answers = await Promise.all(visits.map(({ cookie }) => logInWith(ask, cookie, sub)))
    assert.equal(statusesOf(answers), { 200: 20 })
    const opened = answers.map((answer) => ({ ...handedOut(answer), cookie: answer.cookie }))
    await checkEvictions(ask, sub, opened)
    const old = await Promise.all(visits.map(({ cookie }) => endOf(ask, cookie)))
    assert.equal(countOf(old), { renewed: 20 })
  }
  await close()
})

test('20 log-ins of one user at once are 5 sessions and 15 refusals, where the limit refuses', async () => {
  const { ask, close } = await openProcess(REFUSE)
  for (let round = 0; round < ROUNDS; round++) {
    const sub = `ada-${round}`
    const answers = await atOnce(20, () => logIn(ask, sub))
    assert.equal(statusesOf(answers), { 201: 5, 409: 15 })
    const opened = answers.filter(({ status }) => status === 201).map(handedOut)
    assert.equal(await idsOf(ask, sub), idsIn(opened))
    assert.equal([...new Set(opened.flatMap(({ evicted }) => evicted))], [])
  }
  await close()
})

test('a visitor whose log-in the limit refuses keeps the session, the token and no claims', async () => {
  const { ask, close } = await openProcess(REFUSE)
  for (let round = 0; round < ROUNDS; round++) {
    const sub = `ada-${round}`
    const visits = await atOnce(20, (n) => ask('PUT /session/visit', { body: String(n) }))
    const answers = await Promise.all(visits.map(({ cookie }) => logInWith(ask, cookie, sub)))
    assert.equal(statusesOf(answers), { 200: 5, 409: 15 })
    assert.is((await idsOf(ask, sub)).length, 5)
    for (const [n, { status, cookie }] of answers.entries()) {
      const old = visits[n]?.cookie ?? ''
      const session = await sessionOf(ask, status === 200 ? cookie : old)
      assert.equal([session.data, session.claims], [{ visit: n }, status === 200 ? { sub } : {}])
      assert.is(await endOf(ask, old), status === 200 ? 'renewed' : '')
    }
  }
  await close()
})

test('a log-out everywhere ends all that was there before, whoever logs in and writes meanwhile', async () => {
  const { ask, close } = await openProcess()
  const before = await logInMany(ask, 'ada', 450)
  const logIns: { asked: number; answered: number; session: Opened }[] = []
  let time = 0
  let isOver = false
  const loggingIn = atOnce(6, async () => {
    while (!isOver) {
      const asked = time++
      const answer = await logIn(ask, 'ada')
      assert.is(answer.status, 201)
      logIns.push({ asked, answered: time++, session: openedBy(answer) })
    }
  })
  const strangers: string[] = []
  const writing = atOnce(6, async (writer) => {
    for (let n = writer; !isOver; n = (n + 7) % before.length) {
      const { cookie, id } = pick(before, n)
      const named = await ask(`PUT /sessions/${id}/n`, { body: '1', key })
      assert.ok(named.status === 204 || named.status === 410, String(named.status))
      const answer = await ask('PATCH /session/n', { body: '{"increment":1}', cookie })
      assert.is(answer.status, 200)
      // The write came too late for the session: it is in one of its own, that nobody asked for.
      if (answer.cookie !== '') strangers.push(answer.cookie)
    }
  })

  await until(() => logIns.length >= 20)
  const calledAt = time++
  const calls = await atOnce(2, () => ask('DELETE /sessions?sub=ada', { key }))
  const calledBackAt = time++
  const count = logIns.length
  await until(() => logIns.length >= count + 20 && strangers.length >= 20)
  isOver = true
  await Promise.all([loggingIn, writing])

  const ends = new Map<string, string>()
  for (const { id, cookie } of [...before, ...logIns.map(({ session }) => session)]) {
    ends.set(id, await endOf(ask, cookie))
  }
  for (const { id } of before) assert.is(ends.get(id), 'revoked')
  for (const { asked, answered, session } of logIns) {
    if (answered < calledAt) assert.is(ends.get(session.id), 'revoked')
    if (asked > calledBackAt) assert.is(ends.get(session.id), '')
  }
  assert.ok(logIns.some(({ answered }) => answered < calledAt))
  assert.ok(logIns.some(({ asked }) => asked > calledBackAt))

  const bodies: { ended: number; more: boolean }[] = calls.map(({ body }) => JSON.parse(body))
  const ended = bodies.reduce((sum, body) => sum + body.ended, 0)
  const outcomes = countOf([...ends.values()])
  assert.equal(outcomes, { revoked: ended, '': before.length + logIns.length - ended })
  assert.ok(bodies.every(({ more }) => !more))
  const live = [...ends].filter(([, reason]) => reason === '').map(([id]) => id)
  assert.equal(await idsOf(ask, 'ada'), live.sort())
  for (const cookie of strangers.slice(0, 20)) {
    const { id, claims } = await sessionOf(ask, cookie)
    assert.equal([ends.has(id), claims], [false, {}])
  }
  await close()
})

test('a log-out everywhere but here leaves this one, whatever is written to it meanwhile', async () => {
  const { ask, close } = await openProcess()
  for (let round = 0; round < ROUNDS; round++) {
    const sub = `ada-${round}`
    const [first, ...others] = await logInMany(ask, sub, 20)
    const here = pick([first], 0)
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => increment(ask, here.cookie)),
      ask(`DELETE /sessions?sub=${sub}&except=${here.id}`, { key }),
      ...Array.from({ length: 10 }, () => increment(ask, here.cookie)),
      ...others.map(({ id }) => ask(`DELETE /sessions/${id}`, { key })),
    ])
    const byOne = answers.filter(({ status }) => status === 204).length
    const { ended }: { ended: number } = JSON.parse(answers[10]?.body ?? '')
    assert.is(byOne + ended, others.length)
    assert.equal((await sessionOf(ask, here.cookie)).data, { hits: 20 })
    const reasons = await Promise.all(others.map(({ cookie }) => endOf(ask, cookie)))
    assert.equal(countOf(reasons), { revoked: others.length })
  }
  await close()
})

test('a renewal among writes loses none: each is in the session, or told that the token is old', async () => {
  const { ask, close } = await openProcess()
  const renewals: ((cookie: string) => Promise<Answer>)[] = [
    (cookie) => ask('POST /session/renew', { cookie }),
    (cookie) => logInWith(ask, cookie, 'ada'),
    async (cookie) => {
      const id = idIn(cookie)
      const answer = await ask(`PATCH /sessions/${id}`, { key, body: '{"claims":{"sub":"ada"}}' })
      return { ...answer, cookie: cookieFor(answer) }
    },
  ]
  let lateCount = 0
  for (let round = 0; round < ROUNDS * renewals.length; round++) {
    const renew = pick(renewals, round % renewals.length)
    const { cookie } = await ask('PUT /session/hits', { body: '0' })
    let written = 0
    // Five at a time, so that the renewal comes in between.
    const writing = atOnce(50, async (n) => {
      if (n >= 5) await until(() => written > n - 5)
      const answer = await increment(ask, cookie)
      written++
      return answer
    })
    await until(() => written > round)
    const renewed = await renew(cookie)
    const answers = await writing
    assert.equal(new Set(answers.map(({ cookie: set }) => set)), new Set(['']))
    const landed = answers.filter(({ status }) => status === 200).map(({ body }) => Number(body))
    assert.ok(landed.length > round)
    const late = answers.filter(({ status }) => status !== 200)
    for (const { status, body } of late) {
      assert.is(status, 410)
      assert.match(body, '"reason":"renewed"')
    }
    lateCount += late.length
    const { data } = await sessionOf(ask, renewed.cookie)
    assert.equal(data, { hits: landed.length })
    assert.equal(
      landed.sort((a, b) => a - b),
      landed.map((_, n) => n + 1),
    )
    assert.is(await endOf(ask, cookie), 'renewed')
  }
  assert.ok(lateCount > 0)
  await close()
})

test('10 renewals of one token at once are one renewal', async () => {
  const { ask, close } = await openProcess()
  for (let round = 0; round < ROUNDS; round++) {
    const { cookie } = await ask('PUT /session/user', { body: '"ada"' })
    const answers = await atOnce(10, () => ask('POST /session/renew', { cookie }))
    assert.equal(statusesOf(answers), { 204: 1, 410: 9 })
    const winner = answers.find(({ status }) => status === 204)
    assert.equal((await sessionOf(ask, winner?.cookie ?? '')).data, { user: 'ada' })
  }
  await close()
})

test('log-ins of one session as different users at once: one has it, and the others nothing of it', async () => {
  const { ask, close } = await openProcess()
  for (let round = 0; round < ROUNDS; round++) {
    const { cookie } = await ask('PUT /session/cart', { body: '["tea"]' })
    const id = idIn(cookie)
    const answers = await atOnce(10, (n) =>
      ask(`PATCH /sessions/${id}`, { key, body: `{"claims":{"sub":"user-${round}-${n}"}}` }),
    )
    assert.equal(statusesOf(answers), { 200: 1, 410: 9 })
    const winner = answers.findIndex(({ status }) => status === 200)
    assert.is((await idsOf(ask, `user-${round}-${winner}`)).length, 1)
    const lists = await atOnce(10, (n) => idsOf(ask, `user-${round}-${n}`))
    assert.is(lists.flat().length, 1)
    assert.is(await endOf(ask, cookie), 'renewed')
  }
  await close()
})

test('10 back ends that create one session at once with If-None-Match: * are one that did', async () => {
  const { ask, close } = await openProcess()
  const headers = { 'if-none-match': '*' }
  for (let round = 0; round < ROUNDS; round++) {
    const line = `PUT /sessions/chosen-by-a-back-end-${round}`
    const answers = await atOnce(10, (n) =>
      ask(line, { key, headers, body: `{"data":{"by":${n}}}` }),
    )
    assert.equal(statusesOf(answers), { 201: 1, 412: 9 })
    const winner = answers.findIndex(({ status }) => status === 201)
    const { body } = await ask(line.replace('PUT', 'GET'), { key })
    assert.equal(JSON.parse(body).data, { by: winner })
  }
  await close()
})

test('PUT /sessions/:id at once without and with a condition creates once and counts each replacement', async () => {
  const { ask, close } = await openProcess()
  for (let round = 0; round < ROUNDS; round++) {
    const line = `PUT /sessions/chosen-by-a-back-end-${round}`
    const answers = await atOnce(20, (n) => {
      const headers = n % 2 === 0 ? { 'if-none-match': '*' } : {}
      return ask(line, { key, headers, body: `{"data":{"by":${n}}}` })
    })
    const { 201: created, 200: replaced = 0, 412: refused = 0 } = statusesOf(answers)
    assert.is(created, 1)
    assert.is(replaced + refused, 19)
    const found = await ask(line.replace('PUT', 'GET'), { key })
    assert.is(found.headers['etag'], `"${replaced + 1}"`)
    const tags = answers.map(({ headers }) => headers['etag']).filter((tag) => tag !== undefined)
    assert.is(new Set(tags).size, replaced + 1)
  }
  await close()
})

test('DELETE among PUTs of one id happens once, and no PUT after it brings the session back', async () => {
  const { ask, close } = await openProcess()
  for (let round = 0; round < ROUNDS; round++) {
    const path = `/sessions/chosen-by-a-back-end-${round}`
    const put = (): Promise<Answer> => ask(`PUT ${path}`, { key, body: '{"data":{}}' })
    const putting = atOnce(10, put)
    const answers = await later(1 + (round % 3), () =>
      atOnce(5, () => ask(`DELETE ${path}`, { key })),
    )
    const late = await atOnce(5, put)
    const puts = [...(await putting), ...late]
    const { 204: ended = 0, 404: absent = 0, 410: gone = 0 } = statusesOf(answers)
    assert.is(ended + absent + gone, 5)
    assert.ok(ended <= 1)
    assert.is(statusesOf(puts)[201], 1)
    assert.is(statusesOf(late)[410] ?? 0, ended === 1 ? 5 : 0)
    const found = await ask(`GET ${path}`, { key })
    assert.is(found.status, ended === 1 ? 410 : 200)
    if (ended === 1) assert.is(JSON.parse(found.body).reason, 'revoked')
  }
  await close()
})

test('two back ends that change the claims of one session at once lose no update', async () => {
  const { ask, close } = await openProcess()
  const { id } = handedOut(await logIn(ask, 'ada'))
  const line = `PATCH /sessions/${id}`
  const appendRole = { 'content-type': 'application/json-patch+json' }
  await ask(line, { key, body: '{"claims":{"roles":[],"count":0}}' })
  await atOnce(2, async (backEnd) => {
    for (let n = 0; n < 25; n++) {
      const name = `${backEnd}-${n}`
      await askFor(200, line, { key, body: `{"claims":{"scope-${name}":${n}}}` })
      const step = { op: 'add', path: '/claims/roles/-', value: name }
      await askFor(200, line, { key, headers: appendRole, body: JSON.stringify([step]) })
      await countOnce()
    }
  })

  const { body, headers } = await ask(`GET /sessions/${id}`, { key })
  const { claims }: { claims: { roles: string[]; count: number } } = JSON.parse(body)
  const names = [0, 1].flatMap((backEnd) => Array.from({ length: 25 }, (_, n) => `${backEnd}-${n}`))
  assert.equal(claims.roles.sort(), names.sort())
  assert.equal(
    names.filter((name) => !(`scope-${name}` in claims)),
    [],
  )
  assert.is(claims.count, 50)
  assert.is(headers['etag'], `"${2 + 3 * 50}"`)
  await close()

  /** Reads and writes with If-Match, and once more where another was faster. */
  async function countOnce(): Promise<void> {
    for (;;) {
      const read = await ask(`GET /sessions/${id}`, { key })
      const { claims }: { claims: { count: number } } = JSON.parse(read.body)
      const { status } = await ask(line, {
        key,
        body: `{"claims":{"count":${claims.count + 1}}}`,
        headers: { 'if-match': String(read.headers['etag']) },
      })
      if (status === 200) return
      assert.is(status, 412)
    }
  }

  async function askFor(status: number, ...request: Parameters<AskServer>): Promise<void> {
    assert.is((await ask(...request)).status, status)
  }
})

type HandedOut = {
  readonly id: string
  readonly token: string
  readonly evicted: readonly string[]
}
type Opened = { readonly id: string; readonly cookie: string; readonly evicted: readonly string[] }

/** The real server, and a client that has as many sockets open as requests are to be raced. */
async function openProcess(args: readonly string[] = []) {
  const data = ['--data', join(makeFolder(), 'sessions.db')]
  const server = await spawnServer([...data, ...args], { COATCHECK_API_KEY: API_KEY })
  const client = openClient(server.url)
  await atOnce(20, () => client.ask('GET /session'))
  return {
    ask: client.ask,
    async close() {
      client.close()
      server.kill('SIGTERM')
      assert.is((await server.ended).code, 0)
    },
  }
}

function atOnce<T>(count: number, run: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => run(n)))
}

/** Runs it after so many turns of the event loop, so that a race is lost in more than one place. */
async function later<T>(turns: number, run: () => Promise<T>): Promise<T> {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
  return await run()
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

function logIn(ask: AskServer, sub: string): Promise<Answer> {
  return ask('POST /sessions', { key, body: JSON.stringify({ claims: { sub } }) })
}

/** With cookie and key, on a session that is there. */
function logInWith(ask: AskServer, cookie: string, sub: string): Promise<Answer> {
  return ask('PATCH /session', { cookie, key, body: JSON.stringify({ claims: { sub } }) })
}

async function logInMany(ask: AskServer, sub: string, count: number): Promise<Opened[]> {
  const opened: Opened[] = []
  while (opened.length < count) {
    const size = Math.min(50, count - opened.length)
    const answers = await atOnce(size, () => logIn(ask, sub))
    opened.push(...answers.map(openedBy))
  }
  return opened
}

function increment(ask: AskServer, cookie: string): Promise<Answer> {
  return ask('PATCH /session/hits', { cookie, body: '{"increment":1}' })
}

/** 5 are live; the others are those that the answers name, each once, and their holders are told why. */
async function checkEvictions(
  ask: AskServer,
  sub: string,
  opened: readonly Opened[],
): Promise<void> {
  const evicted = opened.flatMap((session) => session.evicted)
  assert.is(evicted.length, opened.length - 5)
  assert.is(new Set(evicted).size, evicted.length)
  assert.is(new Set(opened.map(({ id }) => id)).size, opened.length)
  const ends = await Promise.all(opened.map(({ cookie }) => endOf(ask, cookie)))
  const dead = opened.filter((_, n) => ends[n] === 'evicted')
  const live = opened.filter((_, n) => ends[n] === '')
  assert.equal(idsIn(dead), [...evicted].sort())
  assert.is(live.length, 5)
  assert.equal(await idsOf(ask, sub), idsIn(live))
}

function handedOut({ body }: Answer): HandedOut {
  return JSON.parse(body)
}

function openedBy(answer: Answer): Opened {
  return { ...handedOut(answer), cookie: cookieFor(answer) }
}

/** What the browser sends back of the `setCookie` in the answer. */
function cookieFor({ body }: Answer): string {
  const { setCookie }: { setCookie: string } = JSON.parse(body)
  return setCookie.split(';', 1)[0] ?? ''
}

function idIn(cookie: string): string {
  return /=([^.]*)\./.exec(cookie)?.[1] ?? ''
}

/** Why the session of this cookie has ended; empty for one that is live. */
async function endOf(ask: AskServer, cookie: string): Promise<string> {
  const { status, body } = await ask('GET /session?touch=false', { cookie })
  if (status === 200) return ''
  const { reason }: { reason?: string } = JSON.parse(body)
  return reason ?? `${status}`
}

async function sessionOf(ask: AskServer, cookie: string) {
  const { status, body } = await ask('GET /session', { cookie })
  assert.is(status, 200)
  const session: { id: string; data: object; claims: object } = JSON.parse(body)
  return session
}

/** The ids of all live sessions of a user, page by page, in the order of the alphabet. */
async function idsOf(ask: AskServer, sub: string): Promise<string[]> {
  const ids: string[] = []
  for (let after = ''; ;) {
    const { body } = await ask(`GET /sessions?sub=${sub}&limit=7${after}`, { key })
    const page: { sessions: { id: string }[]; next: string | null } = JSON.parse(body)
    ids.push(...page.sessions.map(({ id }) => id))
    if (page.next === null) return ids.sort()
    after = `&after=${page.next}`
  }
}

function pick<T>(items: readonly (T | undefined)[], n: number): T {
  const item = items[n]
  if (item === undefined) throw new Error(`There is no item ${n}`)
  return item
}

function idsIn(sessions: readonly { readonly id: string }[]): string[] {
  return sessions.map(({ id }) => id).sort()
}

function statusesOf(answers: readonly Answer[]): Record<string, number> {
  return countOf(answers.map(({ status }) => String(status)))
}

function countOf(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

test.run()
