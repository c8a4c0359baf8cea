import type { JsonText } from '../json/text.ts'
import { applyOperation, type Applied, type Operation } from './operations.ts'
import type { SessionRules } from './rules.ts'
import type { SessionKey } from './session.ts'

/**
 * The session that begins at `now` with an operation on an empty one; throws as `applyOperation`
 * does. There is nothing yet that a precondition could be about.
 */
export function beginSession(
  key: SessionKey,
  { when: _, ...operation }: Operation,
  device: JsonText | null,
  now: number,
  rules: SessionRules,
): Applied {
  const empty = {
    ...key,
    data: '{}',
    claims: '{}',
    permanent: false,
    createdAt: now,
    lastSeenAt: now,
    ...rules.ordinary,
    version: 0,
    device,
  }
  return applyOperation(empty, operation, rules)
}
