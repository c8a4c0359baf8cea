import type { Context } from 'hono'
import { accepts } from 'hono/accepts'

const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain'

/** Whether the caller would rather have a bare value than JSON. */
export function wantsText(c: Context): boolean {
  // The word alone decides nearly always, and without parsing.
  if (c.req.header('accept')?.includes(TEXT_TYPE) !== true) return false
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
