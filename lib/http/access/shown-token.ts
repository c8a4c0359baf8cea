/** The tokens that a request shows outside its cookie: in a header of their own, or as a bearer token. */
import type { AppContext } from '../app-env.ts'
import { readHeader } from '../request/request.ts'

/**
 * `Session-Token`: for a back end, whose API key is in `Authorization`. Undefined where the request has
 * none; an empty one is that of a caller who has no token yet, and wants it in this header.
 */
export function readTokenHeader(c: AppContext): string | undefined {
  return readHeader(c, 'session-token')
}

// control: bearer-only
const BEARER = /^Bearer[ \t]+(.*)$/i

/** RFC 6750 section 2.1. Another scheme is left to a proxy in front. */
export function readBearer(c: AppContext): string | undefined {
  const header = readHeader(c, 'authorization')
  return header === undefined ? undefined : BEARER.exec(header)?.[1]
}

/** Of two tokens that differ neither counts, as of two cookies; undefined for an empty one, too. */
export function agree(own: string, bearer: string | undefined): string | undefined {
  // control: two-tokens
  return own === '' || (bearer !== undefined && bearer !== own) ? undefined : own
}
