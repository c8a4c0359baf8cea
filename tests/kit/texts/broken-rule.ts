import * as assert from 'uvu/assert'
import { CodedError } from '../../../lib/base/errors.ts'

/** The rule of cookies for which `run` refuses; `none` where it does not. */
export function brokenRule(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    assert.is(error.code, 'invalid_cookie')
    assert.match(error.message, /^Cannot set cookie.*: [^.]/)
    return error.facts['rule']
  }
  return 'none'
}
