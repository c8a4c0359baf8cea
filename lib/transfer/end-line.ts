/** The end of a session as one line of JSON, `{"ended":{…}}`: what an id was, which nobody may get again. */
import { CoatcheckError } from '../base/errors.ts'
import type { JsonText } from '../json/json.ts'
import { isReservedName, RESERVED_SHAPE } from '../session/reserved-id.ts'
import { LONGEST_KEEP_ENDED_MS } from '../session/retention.ts'
import { END_REASONS, type Tombstone } from '../session/session.ts'
import { FULL_ID_SHAPE, isFullId } from '../session/session-id.ts'
import { isHash } from '../session/token.ts'
import { readMembers } from './line-members.ts'

/** Times in ISO 8601; `keepEndedMs` in milliseconds. */
export function renderEndLine(end: Tombstone): JsonText {
  const { id, secretHash, reason, endedAt, keepEndedMs } = end
  const hash = secretHash !== null && { secretHash }
  return JSON.stringify({ ended: { id, ...hash, reason, endedAt: new Date(endedAt), keepEndedMs } })
}

/** Throws `invalid_argument` for an object that is no end; the message quotes none of it. */
export function parseEnd(object: JsonText): Tombstone {
  const members = readMembers(object, invalidEnd)
  const id = members.text('id')
  if (!isFullId(id)) throw invalidEnd(`"id" must be ${FULL_ID_SHAPE}`)
  if (isReservedName(id)) throw invalidEnd(`"id" must not ${RESERVED_SHAPE}`)
  const secretHash = members.has('secretHash') ? members.text('secretHash') : null
  if (secretHash !== null && !isHash(secretHash)) {
    throw invalidEnd('"secretHash" must be a SHA-256 in base64url')
  }
  const given = members.text('reason')
  const reason = END_REASONS.find((one) => one === given)
  if (reason === undefined) throw invalidEnd(`"reason" must be one of ${END_REASONS.join(', ')}`)
  const end = {
    ...{ id, secretHash, reason, endedAt: members.time('endedAt') },
    ...(members.has('keepEndedMs') && {
      keepEndedMs: members.count('keepEndedMs', LONGEST_KEEP_ENDED_MS, 0),
    }),
  }
  members.refuseOthers('end')
  return end
}

function invalidEnd(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the end of a session: ${reason}`)
}
