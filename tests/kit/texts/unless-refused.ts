import * as assert from 'uvu/assert'
import { CodedError } from '../../../lib/base/errors.ts'

/** The result of a parser; undefined where it refuses its input with a code. */
export function unlessRefused<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    assert.is.not(error.code, 'internal')
    return undefined
  }
}
