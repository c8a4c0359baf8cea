/** `/openapi.json`: the API for programs that generate clients, tests and pages. Needs no key. */
import { answerJson, answerUnchanged, contentTag } from '../answer/answer.ts'
import type { Row } from '../api.ts'
import { renderOpenApi } from '../openapi.ts'
import { isUnchanged } from '../request/precondition-headers.ts'
import type { Handlers } from './routes.ts'

/** Of these operations. Rendered at the first request, and the same from then on. */
export function createOpenApiRoute(rows: readonly Row[]): Handlers['getOpenApi'] {
  let made: { readonly text: string; readonly tag: string } | undefined

  return (c) => {
    made ??= make(rows)
    if (isUnchanged(c, made.tag)) return answerUnchanged(made.tag)
    return answerJson(200, made.text, { ETag: made.tag, 'Cache-Control': 'no-cache' })
  }
}

function make(rows: readonly Row[]) {
  const text = renderOpenApi(rows)
  return { text, tag: contentTag(text) }
}
