/**
 * A client that does to sessions of its own whatever can be done, one request after the other, and
 * knows after each what the server must have kept.
 */
import type { Sent } from '../../../kit/clients/http-client.ts'
import type { RawAnswer, RawConnection } from '../../../kit/clients/raw-http.ts'
import type { Random } from '../random.ts'

/** What a session is, as text that can be compared: its data and claims, or why it ended. */
export type State = string

export type Step = {
  /** `PUT /session/a`, for a message. */
  readonly line: string
  /**
   * What the step makes of sessions, by id: those that were there, and, once it is acknowledged, the
   * new one. All of it or nothing.
   */
  readonly changes: ReadonlyMap<string, State>
  /**
   * `refused`: the server said that nothing was changed. `unknown`: it said that it does not know,
   * or nothing at all.
   */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown'
  /** `204`, `503 outcome_unknown`, `closed`. */
  readonly heard: string
  /** When the request went out, by the clock that strace has, too: ms since 1970. */
  readonly sentAt: number
}

export type SessionClient = {
  /** Asks for one change, and waits for what comes of it. */
  step(connection: RawConnection): Promise<Step>
  /** What the server must have kept, by id; a session that is in doubt is not here. */
  readonly known: ReadonlyMap<string, State>
  /** Where the outcome is not known: each session as it was, and as it may be now. */
  readonly doubtful: ReadonlyMap<string, readonly [before: State, after: State]>
  /** The cookies of all sessions there ever were, by id. */
  readonly cookies: ReadonlyMap<string, string>
  /** The session to read next for whoever wants to: one that is used now. */
  anyCookie(): string | undefined
  /** What was found out about a session that was in doubt. */
  settle(id: string, state: State): void
}

/** There is no such session, and never was. */
export const ABSENT: State = 'absent'

export function liveState(data: Members, claims: Members): State {
  return JSON.stringify([Object.entries(data).sort(byName), Object.entries(claims).sort(byName)])
}

export function endedState(reason: string): State {
  return `ended: ${reason}`
}

/** The state that an answer to `GET /session` with the session's cookie shows. */
export function shownState({ status, body }: RawAnswer): State {
  const shown: { data: Members; claims: Members; code: string; reason: string } = JSON.parse(body)
  if (status === 200) return liveState(shown.data, shown.claims)
  if (status === 410) return endedState(shown.reason)
  return shown.code === 'session_not_found' ? ABSENT : `${status} ${shown.code}`
}

/**
 * `name` must be the client's own, for it names the users whose sessions it logs out; `key` is an
 * API key of the server.
 */
export function createSessionClient(options: {
  readonly name: string
  readonly random: Random
  readonly key: string
}): SessionClient {
  const { name, random, key } = options
  const known = new Map<string, State>()
  const doubtful = new Map<string, readonly [State, State]>()
  const cookies = new Map<string, string>()
  let held: Held[] = []
  let count = 0
  let doubts = 0

  function choose(): Plan {
    if (held.length === 0 || (held.length < MOST_SESSIONS && random.oneIn(6))) return create()
    return random.pick(PLANS)(random.pick(held), context)
  }

  function create(): Plan {
    const data = { a: nextValue() }
    return { line: 'PUT /session/a', sent: { body: text(data.a) }, ends: [], makes: { data } }
  }

  /** One in 20 takes pages of its own. */
  function nextValue(): Value {
    count++
    return random.oneIn(20) ? `${count} ${'x'.repeat(random.below(20_000))}` : count
  }

  const context: Context = {
    key,
    random,
    nextValue,
    sub: () => `${name}-${doubts}`,
    held: () => held,
  }

  /** What the plan makes of the sessions that are there. */
  function expect({ session, becomes, ends }: Plan): Map<string, State> {
    const changes = new Map(ends.map(([ended, reason]) => [ended.id, endedState(reason)]))
    if (session !== undefined && becomes !== undefined) {
      changes.set(session.id, liveState(becomes.data, becomes.claims))
    }
    return changes
  }

  function acknowledge(plan: Plan, changes: Map<string, State>, answer: RawAnswer): void {
    const gone = new Set(plan.ends.map(([session]) => session.id))
    held = held.filter(({ id }) => !gone.has(id))
    if (plan.session !== undefined && plan.becomes !== undefined) {
      const { session, becomes } = plan
      held = held.map((one) => (one.id === session.id ? { ...one, ...becomes } : one))
    }
    if (plan.makes !== undefined) {
      const { data, claims = {} } = plan.makes
      const made = { ...newSession(answer, plan.line), data, claims }
      held.push(made)
      cookies.set(made.id, made.cookie)
      changes.set(made.id, liveState(data, claims))
    }
    for (const [id, state] of changes) known.set(id, state)
  }

  /**
   * What may have changed is left alone from now on; and so is the user of these sessions, for a
   * log-out of that user might end some of which nobody knows whose they are.
   */
  function doubt(changes: ReadonlyMap<string, State>): void {
    doubts++
    held = held.filter(({ claims }) => claims['sub'] === undefined)
    for (const [id, after] of changes) {
      doubtful.set(id, [known.get(id) ?? ABSENT, after])
      known.delete(id)
    }
    held = held.filter(({ id }) => !changes.has(id))
  }

  return {
    known,
    doubtful,
    cookies,
    anyCookie: () => held[0]?.cookie,
    settle(id, state) {
      doubtful.delete(id)
      known.set(id, state)
    },
    async step(connection) {
      const plan = choose()
      const changes = expect(plan)
      const sentAt = Date.now()
      const answer = await connection.ask(plan.line, plan.sent)
      const heard = nameOf(answer)
      const outcome = outcomeOf(heard)
      if (outcome === 'acknowledged' && answer !== undefined) acknowledge(plan, changes, answer)
      if (outcome === 'unknown') doubt(changes)
      return { line: plan.line, changes, outcome, heard, sentAt }
    },
  }
}

type Value = number | string
type Members = Readonly<Record<string, unknown>>
type Contents = { readonly data: Members; readonly claims: Members }
type Held = Contents & { readonly id: string; readonly cookie: string }

/** One request, and what it does: to the session that it is about, and to others that it ends. */
type Plan = {
  readonly line: string
  readonly sent: Sent
  readonly session?: Held
  readonly becomes?: Contents
  readonly ends: readonly (readonly [Held, reason: string])[]
  /** The session whose cookie the answer sets. */
  readonly makes?: { readonly data: Members; readonly claims?: Members }
}

type Context = {
  readonly key: string
  readonly random: Random
  readonly sub: () => string
  readonly nextValue: () => Value
  readonly held: () => readonly Held[]
}

const MOST_SESSIONS = 6
const KEYS = ['a', 'b', 'c', 'd']

type MakePlan = (session: Held, context: Context) => Plan

const set: MakePlan = (session, { random, nextValue }) => {
  const [key, value] = [random.pick(KEYS), nextValue()]
  const becomes = { ...session, data: { ...session.data, [key]: value } }
  return about(session, `PUT /session/${key}`, { body: text(value) }, becomes)
}

const count: MakePlan = (session) => {
  const hits = Number(session.data['hits'] ?? 0) + 1
  const becomes = { ...session, data: { ...session.data, hits } }
  return about(session, 'PATCH /session/hits', { body: '{"increment":1}' }, becomes)
}

const pop: MakePlan = (session, context) => {
  const key = Object.keys(session.data)[0]
  if (key === undefined) return set(session, context)
  const { [key]: _, ...data } = session.data
  return about(session, `DELETE /session/${key}`, {}, { ...session, data })
}

const clear: MakePlan = (session) =>
  about(session, 'POST /session/clear', {}, { ...session, data: {} })

const end: MakePlan = (session) => ({
  ...about(session, 'DELETE /session', {}),
  ends: [[session, 'logout']],
})

const renew: MakePlan = (session) => ({
  ...about(session, 'POST /session/renew', {}),
  ends: [[session, 'renewed']],
  makes: session,
})

const claim: MakePlan = (session, { key, nextValue }) => {
  const role = nextValue()
  const becomes = { ...session, claims: { ...session.claims, role } }
  return about(session, 'PATCH /session', { key, body: text({ claims: { role } }) }, becomes)
}

const logIn: MakePlan = (session, context) => {
  if (session.claims['sub'] !== undefined) return claim(session, context)
  const [key, sub] = [context.key, context.sub()]
  return {
    ...about(session, 'PATCH /session', { key, body: text({ claims: { sub } }) }),
    ends: [[session, 'renewed']],
    makes: { ...session, claims: { ...session.claims, sub } },
  }
}

const logOutEverywhere: MakePlan = (_, { sub, key, held }) => ({
  line: `DELETE /sessions?sub=${sub()}`,
  sent: { key },
  ends: held()
    .filter(({ claims }) => claims['sub'] === sub())
    .map((session) => [session, 'revoked']),
})

/** Each as often as it stands here. */
const PLANS: readonly MakePlan[] = [
  ...[set, set, set, set, count, count, pop, pop, clear, end],
  ...[renew, claim, claim, logIn, logIn, logOutEverywhere],
]

function about(session: Held, line: string, sent: Sent, becomes?: Contents): Plan {
  const { cookie } = session
  return { line, sent: { ...sent, cookie }, session, ends: [], ...(becomes && { becomes }) }
}

function newSession({ headers }: RawAnswer, line: string): Pick<Held, 'id' | 'cookie'> {
  const [cookie = ''] = headers.get('set-cookie')?.split(';', 1) ?? []
  const id = /^sid=([^.]+)\./.exec(cookie)?.[1]
  if (id === undefined) throw new Error(`The answer to ${line} must set a cookie, it sets none`)
  return { id, cookie }
}

function nameOf(answer: RawAnswer | undefined): string {
  if (answer === undefined) return 'closed'
  const isProblem = answer.headers.get('content-type') === 'application/problem+json'
  const problem: { code?: string } = isProblem ? JSON.parse(answer.body) : {}
  return [answer.status, problem.code].filter((word) => word !== undefined).join(' ')
}

function outcomeOf(heard: string): Step['outcome'] {
  if (heard === 'closed' || heard === '503 outcome_unknown') return 'unknown'
  return heard.startsWith('2') ? 'acknowledged' : 'refused'
}

function text(value: unknown): string {
  return JSON.stringify(value)
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}
