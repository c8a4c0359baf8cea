/** Parses the bodies of `PATCH` into operations. */
import { CoatcheckError } from '../../base/errors.ts'
import { quote } from '../../base/quote.ts'
import { type JsonKind, type JsonText, kindOf, parseObject } from '../../json/json.ts'
import type { Operation, SessionUpdate } from '../../session/operations.ts'
import { parseTimeLimits } from './time-limits-body.ts'

type KeyOperation = Extract<Operation, { name: 'increment' | 'append' | 'merge' }>

/** `PATCH` of a key: one of `{"increment":n}`, `{"append":x}` and `{"merge":{…}}`. */
export function parseKeyPatch(key: string, body: JsonText): KeyOperation {
  const wayOut =
    'JSON Patch goes to PATCH /session, with Content-Type: application/json-patch+json and paths ' +
    'such as /data/user'
  const [[name, text] = [], ...others] = [...members(body, 'a key', wayOut)]
  const value = text?.trim()
  if (value !== undefined && others.length === 0) {
    switch (name) {
      case 'increment':
        return { name, key, by: requireKind(name, value, 'number') }
      case 'append':
        return { name, key, item: value }
      case 'merge':
        return { name, key, patch: requireKind(name, value, 'object') }
    }
  }
  throw new CoatcheckError(
    'invalid_argument',
    'Cannot patch a key: the body must have exactly one member, increment, append or merge, ' +
      'as in {"increment":1}',
  )
}

/**
 * `PATCH` of a session: `{"data":{…},"claims":{…},"permanent":true}`, each optional; from a back
 * end also `idleTimeout` and `lifetime`, in seconds.
 */
export function parseSessionPatch(body: JsonText, isBackEnd: boolean): SessionUpdate {
  const wayOut = 'JSON Patch needs Content-Type: application/json-patch+json'
  const { data, claims, permanent, ...others } = Object.fromEntries(
    members(body, 'a session', wayOut),
  )
  const { idleTimeout, lifetime, ...unknown } = others
  const [wrong] = Object.keys(isBackEnd ? unknown : others)
  if (wrong !== undefined) {
    throw new CoatcheckError(
      'invalid_argument',
      'Cannot patch a session: the body may have the members data, claims and permanent, ' +
        'as in {"data":{"user":"ada"}}, and a back end\'s, with its API key, idleTimeout and ' +
        `lifetime; ${describeOther(wrong)}`,
    )
  }
  return {
    ...parseTimeLimits(idleTimeout, lifetime),
    ...(data === undefined ? {} : { data: requireKind('data', data, 'object') }),
    ...(claims === undefined ? {} : { claims: requireKind('claims', claims, 'object') }),
    ...(permanent === undefined
      ? {}
      : { permanent: requireKind('permanent', permanent, 'boolean') === 'true' }),
  }
}

/** More than any body has; reading a hundred thousand members would take long. */
export const MAX_BODY_MEMBERS = 32

/** The body of `PUT /session`: its data. */
export function requireData(body: JsonText): JsonText {
  if (kindOf(body) === 'object') return body
  throw new CoatcheckError(
    'invalid_argument',
    'Cannot put a session: the body must be a JSON object, its data as a whole, as in {"user":"ada"}; ' +
      `it is of type ${kindOf(body)}`,
  )
}

/** An unknown member of a body, and what may be meant; without its value, which may be secret. */
export function describeOther(name: string): string {
  const meant = name === 'sub' ? ': the user goes into {"claims":{"sub":"ada"}}' : ''
  return `it has ${quote(name)}${meant}`
}

function members(body: JsonText, what: string, wayOut: string): Map<string, JsonText> {
  if (kindOf(body) === 'object') return parseObject(body, MAX_BODY_MEMBERS)
  throw new CoatcheckError(
    'invalid_argument',
    `Cannot patch ${what}: the body must be a JSON object, it is of type ${kindOf(body)}; ${wayOut}`,
  )
}

/** The value without the space around it; throws `invalid_argument` for another kind. */
export function requireKind(name: string, value: JsonText, kind: JsonKind): JsonText {
  if (kindOf(value) === kind) return value.trim()
  throw new CoatcheckError(
    'invalid_argument',
    `Cannot read the body: "${name}" must be a JSON ${kind}, it is of type ${kindOf(value)}`,
  )
}
