/**
 * 64 writers of 64 keys of one session at once, round after round, in every way there is to write;
 * and 32 poppers of one value, of which one may have it.
 */
import type { Answer, AskServer } from '../../kit/clients/http-client.ts'
import { API_KEY } from '../../kit/process/open-server.ts'
import { canonical } from '../../kit/store/session-data-model.ts'
import type { Breakage } from '../engine/server/breakage.ts'
import { openFleet } from '../engine/server/fleet.ts'
import type { Random } from '../engine/random.ts'
import { type Opener, readCreated } from '../engine/clients/session-requests.ts'
import type { Torture } from '../torture.ts'

const WRITERS = 64
const POPPERS = 32
/** Rounds of poppers for each of writers. */
const POPPINGS = 10

const breakages: Readonly<Record<string, Breakage>> = {
  'stale-writes': {
    seam: 'fresh-session',
    by: `const held = (globalThis.held ??= new Map())
if (held.get(id)?.at !== now) held.set(id, { at: now, session: found.session })
const before = touchSession(held.get(id).session, now)`,
  },
  'write-lost-now-and-then': {
    seam: 'set-replaces',
    by: `const isLost = session.version % 500 === 0
const replaced = isLost ? session.data : replaceMember(session.data, key, value)`,
  },
  'pop-leaves': { seam: 'pop-removes', by: 'void key' },
  'pop-has-two-winners': {
    seam: 'pop-needs-value',
    by: `if (value !== undefined) globalThis.last = { value, left: 1 }
else if (globalThis.last?.left > 0) return { session, value: (globalThis.last.left--, globalThis.last.value) }
else throw keyNotFound(key)`,
  },
}

const databaseBreakages: Readonly<Record<string, Breakage>> = {
  'row-written-over': { seam: 'row-as-read', by: "const IS_AS_READ = 's.number = v.number'" },
}

export const lostUpdatesTorture: Torture = {
  about: 'to lose one of many writes at once, or to pop one value twice',
  breakages,
  databaseBreakages,
  async run(given) {
    const { random } = given
    const { ask, endsAt } = await openFleet(given)
    const violations: string[] = []
    const figures = { 'rounds of writers': 0, writes: 0, 'rounds of poppers': 0, pops: 0 }
    const written = await openSession(ask)
    const popped = await openSession(ask)
    const expected = new Map<string, string>()
    let version = 1

    while (performance.now() < endsAt && violations.length === 0) {
      violations.push(...(await writeRound(++figures['rounds of writers'])))
      for (let n = 0; n < POPPINGS; n++) {
        violations.push(...(await popRound(++figures['rounds of poppers'])))
      }
    }
    return { violations, figures }

    /** Each writer has a key of its own, and all count together. */
    async function writeRound(round: number): Promise<string[]> {
      const answers = await atOnce(WRITERS, (writer) =>
        writeOnce(ask, written, random, writer, round),
      )
      figures.writes += 2 * WRITERS
      version += 2 * WRITERS
      for (let writer = 0; writer < WRITERS; writer++) expected.set(`key-${writer}`, String(round))
      expected.set('count', String(round * WRITERS))

      const counts = answers.map(({ count }) => Number(count.body)).sort((a, b) => a - b)
      const first = (round - 1) * WRITERS + 1
      const tags = answers.flatMap(({ write, count }) => [tagOf(write), tagOf(count)])
      const whole = await ask('GET /session', { cookie: written.cookie })
      const shown = canonical(JSON.stringify(JSON.parse(whole.body).data))
      const wanted = canonical(JSON.stringify(Object.fromEntries([...expected].map(parseValue))))
      return [
        ...answers
          .filter(({ write, count }) => write.status >= 300 || count.status !== 200)
          .map(({ write, count }) => `a write was answered ${write.status}, ${count.status}`),
        ...(counts.every((count, n) => count === first + n)
          ? []
          : [`round ${round} counted ${counts.join()}, not from ${first} on, each once`]),
        ...(new Set(tags).size === tags.length
          ? []
          : [`round ${round} gave two writes the same version`]),
        ...(tagOf(whole) === `"${version}"`
          ? []
          : [`after round ${round} the session is at ${tagOf(whole)}, not at ${version}`]),
        ...(shown === wanted ? [] : [`after round ${round} it holds ${shown}, not ${wanted}`]),
      ]
    }

    async function popRound(round: number): Promise<string[]> {
      const value = JSON.stringify({ round, text: 'x'.repeat(random.below(100)) })
      await ask('PUT /session/prize', { cookie: popped.cookie, body: value })
      const fallback = random.oneIn(4) ? '?default=null' : ''
      const answers = await atOnce(POPPERS, () => popOnce(ask, popped, random, fallback))
      figures.pops += POPPERS
      const winners = answers.filter(({ body }) => body === `${value}\n`)
      const losers = answers.filter(({ status, body }) =>
        fallback === '' ? status === 404 : status === 200 && body === 'null\n',
      )
      if (winners.length === 1 && losers.length === POPPERS - 1) return []
      return [`round ${round} of poppers had ${winners.length} winners, ${losers.length} losers`]
    }
  },
}

/** In one way or another, `round` under the writer's key; and one more for the common count. */
async function writeOnce(
  ask: AskServer,
  { id, cookie }: Opener,
  random: Random,
  writer: number,
  round: number,
): Promise<{ readonly write: Answer; readonly count: Answer }> {
  const [base, shown] = random.oneIn(3)
    ? [`/sessions/${id}`, { key: API_KEY }]
    : ['/session', { cookie }]
  const key = `key-${writer}`
  const patched = { 'content-type': 'application/json-patch+json' }
  const ways = [
    () => ask(`PUT ${base}/${key}`, { ...shown, body: String(round) }),
    () => ask(`PATCH ${base}/${key}`, { ...shown, body: '{"increment":1}' }),
    () => ask(`PATCH ${base}`, { ...shown, body: `{"data":{"${key}":${round}}}` }),
    () =>
      ask(`PATCH ${base}`, {
        ...shown,
        headers: patched,
        body: JSON.stringify([{ op: 'add', path: `/data/${key}`, value: round }]),
      }),
  ]
  const counting = () => ask(`PATCH ${base}/count`, { ...shown, body: '{"increment":1}' })
  const [write, count] = await Promise.all([random.pick(ways)(), counting()])
  return { write, count }
}

function popOnce(
  ask: AskServer,
  { id, cookie }: Opener,
  random: Random,
  fallback: string,
): Promise<Answer> {
  return random.oneIn(3)
    ? ask(`DELETE /sessions/${id}/prize${fallback}`, { key: API_KEY })
    : ask(`DELETE /session/prize${fallback}`, { cookie })
}

async function openSession(ask: AskServer): Promise<Opener> {
  const answer = await ask('POST /sessions', { key: API_KEY })
  if (answer.status !== 201) throw new Error(`Cannot create a session: ${answer.body}`)
  return readCreated(answer.body)
}

function tagOf({ headers }: Answer): string {
  return String(headers['etag'])
}

function parseValue([key, text]: readonly [string, string]): readonly [string, unknown] {
  return [key, JSON.parse(text)]
}

function atOnce<T>(count: number, run: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => run(n)))
}
