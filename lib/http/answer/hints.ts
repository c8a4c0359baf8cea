/** The way out of a refusal in the words of HTTP, for the end of its message. */
import type { Hint, WayOut } from '../../base/errors.ts'
import { rowOf } from '../../settings/settings-table.ts'

const WORDS: Readonly<Record<Hint, string>> = {
  name_key: ', as in /session/user',
  give_default: '; ?default=JSON gives one to fall back on',
  start_session:
    '; PUT /session/KEY starts one and sets its cookie, for a back end POST /sessions does',
  start_another_session:
    '; PUT /session/KEY without its token starts a new one, for a back end POST /sessions does',
  version_required: ' (If-Match)',
  version_excluded: ' (If-None-Match)',
  // Nothing that a request asks for.
  key_prefix: '',
  user_member: '',
  relax_durability: '',
  replace_file: '',
  place_key: '',
}

/** Empty where there is none. */
export function describeWayOut(way: WayOut | undefined): string {
  if (way === undefined) return ''
  return 'hint' in way ? WORDS[way.hint] : ` (${rowOf(way.setting).flag})`
}
