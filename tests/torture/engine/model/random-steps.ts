/** Steps at random on a few keys, so that they get in each other's way. */
import type { Random } from '../random.ts'
import type { Wanted } from './session-history.ts'

const KEYS = ['user', 'hits', 'list']

/** What `ofWhich` picks from are the kinds of step; a kind that is there twice comes twice as often. */
export type StepKind =
  | 'read'
  | 'get'
  | 'set'
  | 'set if new'
  | 'set if unchanged'
  | 'pop'
  | 'increment'
  | 'append'
  | 'update'
  | 'clear'
  | 'renew'
  | 'end'

/** `value`: one that nobody else writes; `version`: one that was seen lately. */
export function makeStep(
  kind: StepKind,
  random: Random,
  { value, version }: { readonly value: number; readonly version: number },
): Wanted {
  const key = random.pick(KEYS)
  const written = { key, value: JSON.stringify(random.oneIn(2) ? `value ${value}` : value) }
  switch (kind) {
    case 'read':
    case 'clear':
    case 'renew':
    case 'end':
      return { name: kind }
    case 'get':
    case 'pop':
      return { name: kind, key }
    case 'set':
      return { name: 'set', ...written }
    case 'set if new':
      return { name: 'set', ...written, when: { excluded: '*' } }
    case 'set if unchanged':
      return { name: 'set', ...written, when: { required: [String(version)] } }
    case 'increment':
      return { name: 'increment', key: 'hits', by: String(1 + random.below(3)) }
    case 'append':
      return { name: 'append', key: 'list', item: String(value) }
    case 'update':
      return { name: 'update', data: `{${JSON.stringify(key)}:${random.oneIn(3) ? null : value}}` }
  }
}
