import { CoatcheckError } from '../../../lib/base/errors.ts'

/** The code of a refusal, for `.catch(codeOf)`; the text of any other error. */
export function codeOf(error: unknown): string {
  return error instanceof CoatcheckError ? error.code : String(error)
}
