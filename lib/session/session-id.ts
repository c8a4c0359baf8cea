/**
 * The ids of sessions. In the store each session has a full id: `shop~ID` in the app `shop`, `ID` alone
 * in the app without a name. Neither the name nor the id can have a `~`: whoever can only form full ids
 * of one app reaches no session of another.
 *
 * The server mints ids of A-Z a-z 0-9 _ -; a back end may choose any text that can be seen. Texts are
 * compared as they are, code by code: nothing is normalized, trimmed or put into lower case.
 */
const SEPARATOR = '~'

/** What can be seen, and stays in one line and in order in a list, a log and a terminal. */
const ID = /^[^~\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,128}$/u
/** What a URL takes for steps between folders, also as %2E: most clients cannot ask for it. */
const DOTS = /^\.{1,2}$/
const APP = /^[a-z0-9][a-z0-9-]{0,31}$/

export const LONGEST_APP = 32

export const ID_SHAPE =
  '1 to 128 printable characters, none of them ~, no space first or last, not . or ..'
export const APP_SHAPE = `1 to ${LONGEST_APP} of a-z 0-9 -, a dash not first`
export const FULL_ID_SHAPE = `${ID_SHAPE}, after APP~ where it is in an app`

/** Whether the text can be an id within an app, minted or chosen by a back end. */
export function isId(text: string): boolean {
  return ID.test(text) && text === text.trim() && !DOTS.test(text)
}

/** Whether the text can be the name of an app. */
export function isApp(text: string): boolean {
  return APP.test(text)
}

/** Whether the text can be the id of a session in the store. A token is none: it has a dot. */
export function isFullId(text: string): boolean {
  const app = appOf(text)
  return (app === undefined || isApp(app)) && isId(plainId(text))
}

/** The id in the store of a session that is called `id` in its app; undefined: the one without a name. */
export function fullId(app: string | undefined, id: string): string {
  // control: app-in-id
  return app === undefined ? id : `${app}${SEPARATOR}${id}`
}

/** The app of a session; undefined for the app without a name. */
export function appOf(fullId: string): string | undefined {
  const end = fullId.indexOf(SEPARATOR)
  return end === -1 ? undefined : fullId.slice(0, end)
}

/** The id of a session within its app. */
export function plainId(fullId: string): string {
  const end = fullId.indexOf(SEPARATOR)
  return end === -1 ? fullId : fullId.slice(end + 1)
}
