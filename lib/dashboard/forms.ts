/** Forms of the dashboard. */
import { HttpError } from '../http/answer/problem.ts'
import type { AppContext } from '../http/app-env.ts'
import { createBodyReader } from '../http/request/body.ts'
import { contentTypeOf } from '../http/request/request.ts'

/** The fields of a form by name; of two of one name the first. */
export type Form = { readonly get: (name: string) => string }

const LIMIT_BYTES = 16_384
const TYPE = 'application/x-www-form-urlencoded'

export type ReadForm = (c: AppContext) => Promise<Form>

export function createFormReader(): ReadForm {
  const bodies = createBodyReader(LIMIT_BYTES)

  return async (c) => {
    if (contentTypeOf(c) !== TYPE) {
      throw new HttpError('bad_request', `Cannot read the form: its type must be ${TYPE}`)
    }
    const fields = new URLSearchParams(await bodies.readText(c))
    return { get: (name) => fields.get(name)?.trim() ?? '' }
  }
}
