import { accepts } from 'hono/accepts'
import type { AppContext } from './app-env.ts'
import { readHeader } from './request-header.ts'

const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain'

/** Whether the caller would rather have a bare value than JSON. */
export function wantsText(c: AppContext): boolean {
  // The word alone decides nearly always, and without parsing.
  if (readHeader(c, 'accept')?.includes(TEXT_TYPE) !== true) return false
  const supports = [TEXT_TYPE, JSON_TYPE]
  const preferred = accepts(c, {
    header: 'Accept',
    supports,
    default: JSON_TYPE,
    match: (accepted) =>
      accepted.find(({ type, q }) => q > 0 && supports.includes(type))?.type ?? JSON_TYPE,
  })
  return preferred === TEXT_TYPE
}
