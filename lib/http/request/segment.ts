import { HttpError } from '../answer/problem.ts'

/**
 * One segment of a raw path, percent-decoded. Strict where frameworks are lenient: an escape that
 * is malformed or not UTF-8 is `bad_request`, so the name used is always the one that was asked.
 */
export function decodeSegment(raw: string): string {
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    throw new HttpError(
      'bad_request',
      'Cannot read path: a percent sign must begin an escape of UTF-8 bytes such as %C3%A9, ' +
        'a malformed one was given; write the percent sign itself as %25',
    )
  }
}

/** The last segment of a raw path; Hono's `c.req.param` keeps a malformed escape as it is. */
export function decodeLastSegment(path: string): string {
  return decodeSegment(path.slice(path.lastIndexOf('/') + 1))
}
