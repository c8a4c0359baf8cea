import { CodedError } from '../../../lib/base/errors.ts'

/** The code of a refusal, for `.catch(codeOf)`; the text of any other error. */
export function codeOf(error: unknown): string {
  return error instanceof CodedError ? error.code : String(error)
}
