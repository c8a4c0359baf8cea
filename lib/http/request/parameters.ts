/** Parameters of the query that several operations have. */
import { CoatcheckError } from '../../base/errors.ts'
import { HttpError } from '../answer/problem.ts'
import { PAGE_LIMIT } from '../api-parts.ts'
import type { AppContext } from '../app-env.ts'
import { type Query, readQueries } from './request.ts'

/**
 * All parameters; throws for an unknown one: a misspelt filter must not end more than was meant.
 */
export function readParameters(c: AppContext, known: readonly string[]): Query {
  const query = readQueries(c)
  if ([...query.keys()].every((name) => known.includes(name))) return query
  throw badQuery(`it may have the parameters ${known.join(', ')}; it has another one`)
}

export function readSub(query: Query): string | undefined {
  const sub = query.get('sub')
  if (sub === '') throw badQuery('?sub= must name a user, it is empty')
  return sub
}

export function readPageSize(query: Query): number {
  const { fallback, least, most } = PAGE_LIMIT
  const text = query.get('limit') ?? String(fallback)
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw badQuery(`?limit= must be an integer from ${least} to ${most}`)
}

/** Only the store can tell whether a cursor is one. */
export function refuseCursor(error: unknown): never {
  if (!(error instanceof CoatcheckError && error.code === 'invalid_argument')) throw error
  throw badQuery('?after= must be the "next" of the page before')
}

export function badQuery(reason: string): HttpError {
  return new HttpError('bad_request', `Cannot read the query: ${reason}`)
}
