/** What both sides hold at one moment, and what is different at another. */
import type { Word } from './words/english.ts'
import { type Json, memberOf, readJson, stringOf, writeJson } from './tutorial/json-text.ts'
import type { Answer } from './tutorial/operations.ts'

export type Session = {
  /** Public: the part of the cookie before its dot. */
  readonly id: string
  readonly data: Json
  readonly claims: Json
  readonly permanent: boolean
  /** Of its `ETag`. */
  readonly version: string
  /** In milliseconds since 1970, by the server's clock. */
  readonly lastSeenAt: number
  readonly expiresAt: number
  readonly createdAt: number
  readonly lifetimeEndsAt: number
}

export type SessionState =
  | { readonly kind: 'none' }
  | { readonly kind: 'live'; readonly session: Session }
  | { readonly kind: 'ended'; readonly reason: string; readonly endedAt: number }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unreachable' }

export type Cookie = {
  readonly name: string
  /** As it stands; undefined where no script may read it. */
  readonly value: string | undefined
}

export type State = {
  readonly session: SessionState
  /** How far the server's clock is ahead of the browser's, in milliseconds. */
  readonly aheadMs: number
  /** Whether the browser brought a ticket, of whatever session. */
  readonly hasTicket: boolean
  /** All others. */
  readonly cookies: readonly Cookie[]
}

/** What `GET /session` says. */
export function readSession({ status, body }: Answer, tag: string | null): SessionState {
  const json = readJson(body)
  if (status === 200) return { kind: 'live', session: sessionOf(json, tag) }
  if (status === 410) {
    const reason = stringOf(memberOf(json, 'reason')) ?? ''
    return { kind: 'ended', reason, endedAt: timeOf(json, 'endedAt') }
  }
  if (status === 404) return { kind: 'none' }
  return { kind: 'refused', detail: stringOf(memberOf(json, 'detail')) ?? String(status) }
}

/** A 404 says why: without a token the browser has no ticket. */
export function bringsTicket({ status, body }: Answer): boolean {
  return status !== 404 || stringOf(memberOf(readJson(body), 'reason')) !== 'no_token'
}

function sessionOf(json: Json, tag: string | null): Session {
  const nothing: Json = { kind: 'object', members: [] }
  const permanent = memberOf(json, 'permanent')
  return {
    id: stringOf(memberOf(json, 'id')) ?? '',
    data: memberOf(json, 'data') ?? nothing,
    claims: memberOf(json, 'claims') ?? nothing,
    permanent: permanent?.kind === 'other' && permanent.text === 'true',
    version: tag?.replaceAll('"', '') ?? '',
    lastSeenAt: timeOf(json, 'lastSeenAt'),
    expiresAt: timeOf(json, 'expiresAt'),
    createdAt: timeOf(json, 'createdAt'),
    lifetimeEndsAt: timeOf(json, 'lifetimeEndsAt'),
  }
}

function timeOf(json: Json, name: string): number {
  return Date.parse(stringOf(memberOf(json, name)) ?? '')
}

export type Change = {
  readonly side: 'browser' | 'server'
  readonly word: Word
  /** Of the cookie or key. */
  readonly name: string
}

/** What happened between two moments, the server's first. */
export function compare(before: State, after: State): Change[] {
  return [
    ...compareSessions(sessionIn(before), sessionIn(after)),
    ...compareNames(
      new Map(before.cookies.map(({ name, value }) => [name, value ?? ''])),
      new Map(after.cookies.map(({ name, value }) => [name, value ?? ''])),
    ).map(([kind, name]): Change => ({ side: 'browser', word: `change.cookie${kind}`, name })),
  ]
}

export function sessionIn({ session }: State): Session | undefined {
  return session.kind === 'live' ? session.session : undefined
}

function compareSessions(before: Session | undefined, after: Session | undefined): Change[] {
  const tell = (word: Word, name = ''): Change => ({ side: 'server', word, name })
  if (after === undefined) return before === undefined ? [] : [tell('change.ended')]
  const changes = compareNames(textsOf(before), textsOf(after)).map(([kind, name]) =>
    tell(`change.key${kind}`, name),
  )
  if (before === undefined) return [tell('change.begun'), ...changes]
  if (before.id !== after.id) changes.unshift(tell('change.renewed'))
  if (before.permanent !== after.permanent) {
    changes.push(tell('change.permanent', after.permanent ? 'True' : 'False'))
  }
  if (changes.length > 0 || before.expiresAt >= after.expiresAt) return changes
  return [tell('change.touched')]
}

function textsOf(session: Session | undefined): ReadonlyMap<string, string> {
  const members = session?.data.kind === 'object' ? session.data.members : []
  return new Map(members.map(([name, value]) => [name, writeJson(value)]))
}

function compareNames(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ['Set' | 'New' | 'Gone', string][] {
  const set = [...after.keys()].filter((name) => !before.has(name))
  const changed = [...after].filter(([name, text]) => before.has(name) && before.get(name) !== text)
  const gone = [...before.keys()].filter((name) => !after.has(name))
  return [
    ...set.map((name): ['Set', string] => ['Set', name]),
    ...changed.map(([name]): ['New', string] => ['New', name]),
    ...gone.map((name): ['Gone', string] => ['Gone', name]),
  ]
}

/**
 * `Set-Cookie` of the session's cookie, as the server sends it: when the ticket or its lifetime in the
 * browser changes. Undefined where it sends none. The secret, which no script sees, is `•••`.
 */
export function ticketSet(
  before: State,
  after: State,
  cookie: { readonly name: string; readonly attributes: string },
  now: number,
): string | undefined {
  const [old, session] = [sessionIn(before), sessionIn(after)]
  if (session === undefined) {
    const isRemoved = before.hasTicket && !after.hasTicket
    const ended = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
    return isRemoved ? `${cookie.name}=; ${ended}; ${cookie.attributes}` : undefined
  }
  if (old?.id === session.id && old.permanent === session.permanent) return undefined
  const seconds = Math.ceil((session.lifetimeEndsAt - now) / 1000)
  const lasting = session.permanent ? `Max-Age=${seconds}; ` : ''
  return `${cookie.name}=${session.id}.•••; ${lasting}${cookie.attributes}`
}
