import type { AppContext } from '../app-env.ts'
import { readHeader } from './request.ts'

/** The first `return` counts, as RFC 7240 section 2 wants it. */
const RETURN = /(?:^|,)[ \t]*return[ \t]*=[ \t]*("?)(minimal|representation)\1[ \t]*(?=[;,]|$)/i

/** Whether the caller of a write would rather have no body: `Prefer: return=minimal` (RFC 7240). */
export function prefersMinimal(c: AppContext): boolean {
  const header = readHeader(c, 'prefer')
  return header !== undefined && RETURN.exec(header)?.[2]?.toLowerCase() === 'minimal'
}
