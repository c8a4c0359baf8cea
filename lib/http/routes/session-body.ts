/** Parses the bodies of `PATCH` into operations. */
import { CoatcheckError } from '../../base/errors.ts'
import { quoteStart } from '../../base/quote.ts'
import { EDIT_MEMBERS, type Edit, parseEdits } from '../../json/edits.ts'
import {
  checkDepth,
  findMember,
  type JsonKind,
  type JsonText,
  kindOf,
  parseObject,
} from '../../json/json.ts'
import { MAX_DEPTH } from '../../session/limits.ts'
import type { Operation, SessionUpdate } from '../../session/operations.ts'
import type { OwnLimits } from '../../session/time-limits.ts'
import { parseKeepEnded, parseTimeLimits } from './time-limits-body.ts'

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

/** How deep a body of `PATCH` may nest whose values nest as deep as they may: `in` takes two levels. */
export function patchDepth(maxDepth: number): number {
  return 2 * maxDepth + 2
}

/**
 * `PATCH` of a session: `{"data":{…},"claims":{…},"permanent":true}`, each optional, or in place of
 * `data` edits of it (`json/edits.ts`); from a back end also its time limits, in seconds, and `login`
 * in place of `claims`.
 */
export function parseSessionPatch(
  body: JsonText,
  isBackEnd: boolean,
  maxDepth: number,
): SessionUpdate {
  const wayOut = 'JSON Patch needs Content-Type: application/json-patch+json'
  const asked = members(body, 'a session', wayOut)
  const edits = takeEdits(asked, maxDepth)
  const { data, claims, permanent, ...others } = Object.fromEntries(asked)
  const { login, idleTimeout, lifetime, lifetimeFrom, keepEnded, ...unknown } = others
  const [wrong] = Object.keys(isBackEnd ? unknown : others)
  if (wrong !== undefined) {
    throw new CoatcheckError(
      'invalid_argument',
      'Cannot patch a session: the body may have the members data, claims and permanent, ' +
        'as in {"data":{"user":"ada"}}, in place of data also set, remove, increment, extend and ' +
        'in, as in {"set":{"user":"ada"}}, and a back end\'s, with its API key, login, idleTimeout, ' +
        `lifetime, lifetimeFrom and keepEnded; ${describeOther(wrong)}`,
    )
  }
  if (data !== undefined && edits !== undefined) throw twoKindsOfChange()
  if (claims !== undefined && login !== undefined) throw twoKindsOfClaims()
  const keepEndedMs = parseKeepEnded(keepEnded)
  const limits = parseTimeLimits({ idleTimeout, lifetime, lifetimeFrom })
  return {
    ...limits,
    ...(login === undefined ? {} : parseLogin(login, limits, lifetimeFrom, maxDepth)),
    ...(keepEndedMs === undefined ? {} : { keepEndedMs }),
    ...(data === undefined ? {} : { data: requireObject('data', data, maxDepth) }),
    ...(edits === undefined ? {} : { edits }),
    ...(claims === undefined ? {} : { claims: requireObject('claims', claims, maxDepth) }),
    ...(permanent === undefined
      ? {}
      : { permanent: requireKind('permanent', permanent, 'boolean') === 'true' }),
  }
}

/** The claims of who logs in. The lifetime begins with the log-in unless it is said to begin before. */
function parseLogin(
  login: JsonText,
  { lifetimeMs }: OwnLimits,
  lifetimeFrom: JsonText | undefined,
  maxDepth: number,
): Pick<SessionUpdate, 'claims' | 'isLogin' | 'lifetimeFromNow'> {
  const claims = requireObject('login', login, maxDepth)
  if (findMember(claims, 'sub') === undefined) {
    throw new CoatcheckError(
      'invalid_claims',
      'Cannot log in: "login" must have the member "sub", who logs in, as in {"login":{"sub":"ada"}}',
    )
  }
  const isFromNow = lifetimeMs !== undefined && lifetimeFrom === undefined
  return { claims, isLogin: true, ...(isFromNow ? { lifetimeFromNow: true } : {}) }
}

/** Takes the members that are edits out of those of the body, and reads them; undefined for none. */
function takeEdits(asked: Map<string, JsonText>, maxDepth: number): readonly Edit[] | undefined {
  const taken = new Map<string, JsonText>()
  for (const name of EDIT_MEMBERS) {
    const text = asked.get(name)
    if (text === undefined) continue
    taken.set(name, text)
    asked.delete(name)
  }
  if (taken.size === 0) return undefined
  const edits = parseEdits(taken)
  for (const edit of edits) {
    const value = 'value' in edit ? edit.value : edit.op === 'enter' ? '{}' : 'null'
    checkDepth(value, maxDepth - edit.path.length + 1, 'value', MAX_DEPTH)
  }
  return edits
}

function requireObject(name: string, text: JsonText, maxDepth: number): JsonText {
  const object = requireKind(name, text, 'object')
  checkDepth(object, maxDepth + 1, name, MAX_DEPTH)
  return object
}

function twoKindsOfChange(): CoatcheckError {
  return new CoatcheckError(
    'invalid_argument',
    'Cannot patch a session: "data" is a merge patch, and set, remove, increment, extend and in ' +
      'change the same data; send the one or the others',
  )
}

function twoKindsOfClaims(): CoatcheckError {
  return new CoatcheckError(
    'invalid_argument',
    'Cannot patch a session: "claims" is a merge patch, and "login" has all the claims of who logs in; ' +
      'send the one or the other',
  )
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
  return `it has ${quoteStart(name)}${meant}`
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
