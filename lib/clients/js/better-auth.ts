/** `secondaryStorage` for better-auth: its sessions, rate limits and verifications in Coatcheck. */
import { askOf, isGone, MINIMAL, must, parseBody, parseRead } from './ask.ts'
import { type ClientOption, clientOf } from './client-option.ts'
import { CoatcheckError, invalidArgument } from './errors.ts'
import { ifVersion, type TimeLimits } from './sessions.ts'
import { sha256 } from './stores/sha256.ts'
import type { Answer } from './transport/response-parser.ts'

export type SecondaryStorageOptions = ClientOption & {
  /** What the ids begin with; `better-auth-` unless given. */
  readonly prefix?: string
}

/** As better-auth declares it; `ttl` in seconds. */
export type SecondaryStorage = {
  get(key: string): Promise<string | null>
  set(key: string, value: string, ttl?: number): Promise<void>
  delete(key: string): Promise<void>
  /** Of several callers at once, one gets the value. */
  getAndDelete(key: string): Promise<string | null>
  /** The new count; a new counter lasts `ttl` seconds, however often it is counted up. */
  increment(key: string, ttl: number): Promise<number>
}

const PREFIX = /^[\w-]{1,64}$/
/** Seconds: the longest lifetime and idle timeout that the server takes. */
const LONGEST_LIFETIME = 400 * 86_400
const LONGEST_IDLE_TIMEOUT = 3_650 * 86_400

export function secondaryStorage(options: SecondaryStorageOptions): SecondaryStorage {
  const ask = askOf(clientOf(options))
  const { prefix = 'better-auth-' } = options
  if (!PREFIX.test(prefix)) {
    throw invalidArgument('Cannot use the prefix: it must be 1 to 64 of A-Za-z0-9_-')
  }

  /** A key may be a session's token: it is never kept, and cannot be had back from this. */
  function pathOf(key: string): string {
    // control: client-hashes-keys
    return `/sessions/${prefix}${sha256(key)}`
  }

  function put(key: string, value: string | number, ttl: number | undefined, fields: string) {
    // better-auth uses its keys again, so their ends are not remembered.
    const entry = { data: { value }, ...limitsOf(ttl), keepEnded: 0 }
    return ask('write', 'PUT', pathOf(key), fields + MINIMAL, JSON.stringify(entry))
  }

  return {
    async get(key) {
      // Its time runs from when it was set.
      const answer = await ask('read', 'GET', `${pathOf(key)}/value?touch=false`, '')
      return isAbsent(answer) ? null : valueOf(must(answer))
    },

    async set(key, value, ttl) {
      must(await put(key, value, ttl, ''))
    },

    async delete(key) {
      const answer = await ask('write', 'DELETE', pathOf(key), '')
      if (!isAbsent(answer)) must(answer)
    },

    async getAndDelete(key) {
      const answer = await ask('write', 'DELETE', `${pathOf(key)}/value`, '')
      if (isAbsent(answer)) return null
      const value = valueOf(must(answer))
      // Not one that somebody has set meanwhile.
      const { etag } = answer
      if (etag !== undefined) {
        const ended = await ask('write', 'DELETE', pathOf(key), ifVersion(etag))
        if (!isAbsent(ended) && ended.status !== 412) must(ended)
      }
      return value
    },

    async increment(key, ttl) {
      const body = '{"increment":1}'
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const answer = await ask('write', 'PATCH', `${pathOf(key)}/value`, '', body)
        if (!isAbsent(answer)) return parseBody<number>(must(answer))
        const begun = await put(key, 1, ttl, 'If-None-Match: *\r\n')
        if (begun.status !== 412) {
          must(begun)
          return 1
        }
      }
      throw new CoatcheckError(
        'overloaded',
        'Cannot count: the counter begins and ends all the time',
      )
    },
  }
}

/** Of what has no `ttl`: until it is deleted. */
function limitsOf(ttl: number | undefined): TimeLimits {
  if (ttl === undefined) return { idleTimeout: LONGEST_IDLE_TIMEOUT, lifetime: null }
  const seconds = Math.min(Math.max(1, Math.ceil(ttl)), LONGEST_LIFETIME)
  return { idleTimeout: seconds, lifetime: seconds, lifetimeFrom: 'now' }
}

/** Each round, somebody else has begun the counter or it has ended. */
const MAX_ROUNDS = 10

function isAbsent(answer: Answer): boolean {
  return isGone(answer) || (answer.status === 404 && answer.body.includes('"key_not_found"'))
}

function valueOf(answer: Answer): string {
  return String(parseRead<unknown>(answer))
}
