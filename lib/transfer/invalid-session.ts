import { CoatcheckError, type WayOut } from '../base/errors.ts'

/** The refusal of input that is no session; `reason` is the second half of its message. */
export function invalidSession(reason: string, way?: WayOut): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the session: ${reason}`, {}, way)
}
