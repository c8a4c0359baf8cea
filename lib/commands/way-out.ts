/** The way out of a refusal in the words of the command line, for the end of its message. */
import type { Hint, WayOut } from '../base/errors.ts'
import { rowOf, variableOf } from '../settings/settings-table.ts'

/** The other hints are about requests. */
const WORDS: Partial<Record<Hint, string>> = {
  key_prefix: ' (--prefix)',
  user_member: ' (--sub)',
  relax_durability: ' (--durability relaxed)',
  replace_file: ' (--force)',
  place_key: '; give another place (--api-key-file), or a key (COATCHECK_API_KEY)',
}

/** Empty where there is none. */
export function describeWayOut(way: WayOut | undefined): string {
  if (way === undefined) return ''
  if ('hint' in way) return WORDS[way.hint] ?? ''
  const row = rowOf(way.setting)
  // The server and all commands have --data; other settings reach a command by the environment only.
  return ` (${way.setting === 'dataPath' ? row.flag : variableOf(row)})`
}
