/** What express-session and `@fastify/session` keep of a session, and how it is stored. */
import { now } from './clock.ts'
import type { JsonObject } from './difference.ts'

/** What the frameworks hand over and take back. */
export type FrameworkSession = { cookie: object }

export type CookieData = {
  originalMaxAge?: number | null
  expires?: string | Date | null
}

/**
 * Stored data without what a framework cannot have: assigned, as it does, `__proto__` would become the
 * prototype of its session or cookie.
 */
export function assignable(data: JsonObject): JsonObject {
  const cookie = cookieOf(data)
  for (const object of cookie === undefined ? [data] : [data, cookie]) {
    // control: client-no-stored-prototype
    if (Object.hasOwn(object, '__proto__')) Reflect.deleteProperty(object, '__proto__')
  }
  return data
}

/** Makes of `data` the session as the framework keeps it in memory; null for one that has expired. */
export function restore(data: JsonObject, expiresAt: string): FrameworkSession | null {
  const cookie = cookieOf(data) as CookieData | undefined
  // Not written by such a framework; it says so itself.
  if (cookie === undefined) return data as unknown as FrameworkSession
  const { expires } = cookie
  if (typeof expires === 'string' && Date.parse(expires) <= now()) return null
  if (cookie.originalMaxAge === undefined) cookie.originalMaxAge = null
  if (isDerived(cookie)) cookie.expires = expiresAt
  return data as unknown as FrameworkSession
}

/**
 * What is saved: the session as JSON has it, without the times at which its cookie expires where they
 * move with each request and follow from the rest. `originalExpires` is @fastify/session's copy of it.
 */
export function dataOf(session: object): JsonObject {
  const data = JSON.parse(JSON.stringify(session)) as JsonObject
  const cookie: (CookieData & { expires?: unknown; originalExpires?: unknown }) | undefined =
    cookieOf(data)
  if (cookie !== undefined && isDerived(cookie)) {
    delete cookie.expires
    delete cookie.originalExpires
  }
  return data
}

export function cookieOf({ cookie }: JsonObject): object | undefined {
  return typeof cookie === 'object' && cookie !== null ? cookie : undefined
}

/** Coatcheck counts in seconds: what is shorter is kept as a time. */
const LEAST_DERIVED_MS = 1_000

function isDerived({ originalMaxAge }: CookieData): boolean {
  return typeof originalMaxAge === 'number' && originalMaxAge >= LEAST_DERIVED_MS
}

/** Milliseconds for which the cookie asks the session to be kept; undefined where it asks nothing. */
export function maxAgeOf(cookie: object | undefined): number | undefined {
  const { originalMaxAge, expires } = (cookie ?? {}) as CookieData
  if (typeof originalMaxAge === 'number') {
    return Number.isFinite(originalMaxAge) ? originalMaxAge : undefined
  }
  if (expires === undefined || expires === null) return undefined
  const left = new Date(expires).getTime() - now()
  return Number.isFinite(left) ? left : undefined
}
