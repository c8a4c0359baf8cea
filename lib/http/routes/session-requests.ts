/**
 * Requests on one session, read and answered alike in both trees: the holder's (`session.ts`) and
 * the back end's (`named-session.ts`).
 */
import { CoatcheckError } from '../../base/errors.ts'
import { whenFailed, whenThere } from '../../base/maybe-promise.ts'
import { parseJsonPatch } from '../../json/json-patch.ts'
import type { Input } from '../../json/syntax.ts'
import { findMember, findOnlyMember, type JsonText, kindOf, parseJson } from '../../json/json.ts'
import type { Changed, Sessions } from '../../service/sessions.ts'
import { checkKey, type SessionLimits } from '../../session/limits.ts'
import { keyNotFound, type Operation } from '../../session/operations.ts'
import { claimsReadOnly } from '../../session/session-patch.ts'
import type { Session } from '../../session/session.ts'
import type { SessionHandler } from '../access/access.ts'
import { renderFor } from '../access/app-ids.ts'
import {
  type AnswerHeaders,
  answerMinimal,
  answerUnchanged,
  answerValue,
  entityTag,
} from '../answer/answer.ts'
import type { AppContext, SessionAccess } from '../app-env.ts'
import { type BodyReader, JSON_PATCH } from '../request/body.ts'
import { isUnchanged, readPrecondition } from '../request/precondition-headers.ts'
import { prefersMinimal } from '../request/prefer.ts'
import {
  contentTypeOf,
  decodeLastSegment,
  parseFlag,
  parseForm,
  type Query,
  readQueries,
  wantsText,
} from '../request/request.ts'
import { parseKeyPatch, parseSessionPatch, patchDepth, requireData } from './session-body.ts'

const DEFAULT: Input = {
  name: '?default',
  example: '?default=%22ada%22',
  depthWay: { setting: 'maxDepth' },
}

export type SessionRequests = {
  /** `GET` of a session. */
  readonly get: SessionHandler
  /** `GET` of a key. `isMissing`: whether `?default=` stands in for what an error says. */
  createGetKey(isMissing: (error: unknown) => boolean): SessionHandler
  /** `DELETE` of a key. `headersOf`: what the response says of the changed session. */
  createPopKey(
    isMissing: (error: unknown) => boolean,
    headersOf: (c: AppContext, access: SessionAccess, changed: Changed) => AnswerHeaders,
  ): SessionHandler
  /** The operation that a `PUT` of a session's data asks for. */
  readOverwrite(c: AppContext): Promise<Operation>
  /** The operation that a `PATCH` of a session asks for, by merge patch or JSON Patch. */
  readUpdate(c: AppContext): Promise<Operation>
  /** The key in the path; throws `invalid_key`. */
  readKey(c: AppContext): string
  /** The value in the body of a `PUT` of a key. */
  readValue(c: AppContext): Promise<JsonText>
  /** The operation that a `PATCH` of a key asks for, and the form of its response. */
  readKeyChange(c: AppContext): Promise<{ operation: Operation; asText: boolean }>
}

export type SessionRequestsDeps = {
  readonly sessions: Sessions
  readonly limits: SessionLimits
  readonly bodies: BodyReader
}

/** Whether a read counts as activity of the session: never of a back end that may only read. */
function isActivity(c: AppContext, query: Query): boolean {
  const wanted = parseFlag('touch', query) ?? true
  // control: read-key-never-touches
  return wanted && c.get('backEnd')?.scope !== 'read'
}

export function createSessionRequests(deps: SessionRequestsDeps): SessionRequests {
  const { sessions, limits, bodies } = deps

  function readKey(c: AppContext): string {
    const key = decodeLastSegment(c.req.path)
    checkKey(key, limits)
    return key
  }

  function readDefault(query: Query): string | undefined {
    const text = query.get('default')
    return text === undefined ? undefined : parseJson(text, limits.maxDepth, DEFAULT)
  }

  return {
    get(c, { found }) {
      const query = readQueries(c)
      // `Accept` asks for the form of a single value only.
      const asText = parseForm(query) === 'text'
      return whenThere(sessions.get(found, isActivity(c, query)), (session) => {
        const tag = entityTag(session, asText)
        if (isUnchanged(c, tag)) return answerUnchanged(tag)
        return answerValue(renderFor(c, session), asText, { ETag: tag })
      })
    },

    createGetKey:
      (isMissing) =>
      (c, { found }) => {
        const key = readKey(c)
        const query = readQueries(c)
        const fallback = readDefault(query)
        const touch = isActivity(c, query)
        const asText = wantsText(c, query)
        const answer = (session: Session) => {
          const value = findOnlyMember(session.data, key) ?? fallback
          if (value === undefined) throw keyNotFound(key)
          const tag = entityTag(session, asText)
          if (isUnchanged(c, tag)) return answerUnchanged(tag)
          return answerValue(value, asText, { ETag: tag })
        }
        if (fallback === undefined) return whenThere(sessions.get(found, touch), answer)
        return whenFailed(
          () => whenThere(sessions.get(found, touch), answer),
          (error) => {
            if (!isMissing(error)) throw error
            return answerValue(fallback, asText)
          },
        )
      },

    createPopKey: (isMissing, headersOf) => async (c, access) => {
      const { found } = access
      const key = readKey(c)
      const query = readQueries(c)
      const fallback = readDefault(query)
      const asText = wantsText(c, query)
      const operation = conditional(c, { name: 'pop', key })
      try {
        const changed = await sessions.change(found, operation)
        return answerChanged(c, changed, asText, headersOf(c, access, changed))
      } catch (error) {
        if (fallback === undefined || !isMissing(error)) throw error
        if (found.state !== 'live') return answerValue(fallback, asText)
        // Nothing was written, but it is activity, as a read is.
        await sessions.get(found, true)
        return answerValue(fallback, asText, { ETag: entityTag(found.session) })
      }
    },

    async readOverwrite(c) {
      const asText = parseForm(readQueries(c)) === 'text'
      const data = requireData(await bodies.readValue(c, limits.maxDepth + 1, asText))
      return conditional(c, { name: 'overwrite', data })
    },

    async readUpdate(c) {
      const isBackEnd = c.get('backEnd') !== undefined
      const body = await bodies.readJson(c, patchDepth(limits.maxDepth))
      if (contentTypeOf(c) === JSON_PATCH) {
        const steps = parseJsonPatch(body)
        return conditional(c, { name: 'patch', steps, mayWriteClaims: isBackEnd })
      }
      // Before their syntax is checked: an error in them would invite another try.
      const asksClaims = hasMember(body, 'claims') || hasMember(body, 'login')
      if (!isBackEnd && asksClaims) throw claimsReadOnly()
      return conditional(c, {
        name: 'update',
        ...parseSessionPatch(body, isBackEnd, limits.maxDepth),
      })
    },

    readKey,

    readValue(c) {
      const asText = parseForm(readQueries(c)) === 'text'
      // control: max-depth
      return bodies.readValue(c, limits.maxDepth, asText)
    },

    async readKeyChange(c) {
      const key = readKey(c)
      const asText = wantsText(c, readQueries(c))
      const body = await bodies.readJson(c, limits.maxDepth + 1)
      return { operation: conditional(c, parseKeyPatch(key, body)), asText }
    },
  }
}

/** The value that a write of a key returns, unless the caller prefers none. */
export function answerChanged(
  c: AppContext,
  changed: Changed,
  asText: boolean,
  headers: AnswerHeaders,
): Response {
  if (prefersMinimal(c)) return answerMinimal(204, headers)
  return answerValue(changed.value ?? 'null', asText, headers)
}

/** The operation with the request's precondition, if it has one. */
export function conditional(c: AppContext, operation: Operation): Operation {
  const when = readPrecondition(c)
  return when === undefined ? operation : { ...operation, when }
}

/**
 * The code of an error for which `?default=` may stand in. None where the session was renewed: the
 * value may be there, under the new token.
 */
export function absenceOf(error: unknown): string | undefined {
  if (!(error instanceof CoatcheckError) || error.facts['reason'] === 'renewed') return undefined
  return error.code
}

function hasMember(body: JsonText, name: string): boolean {
  return kindOf(body) === 'object' && findMember(body, name) !== undefined
}
