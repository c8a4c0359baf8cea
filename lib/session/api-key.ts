import { nanoid } from 'nanoid'

const API_KEY = /^ck_[\w-]{21,200}$/

/** The prefix of every API key. */
export const KEY_PREFIX = 'ck_'

/** The shape of an API key, for messages. */
export const API_KEY_SHAPE = 'ck_ and 21 to 200 of A-Z a-z 0-9 _ -'

/** What a key may be used for, from the widest: everything, reading, the metrics alone. */
export const KEY_SCOPES = ['all', 'read', 'metrics'] as const

export type KeyScope = (typeof KEY_SCOPES)[number]

/** Whether a key of this scope may do what needs the other: a wider scope has the narrower ones in it. */
export function isWithin(scope: KeyScope, needed: KeyScope): boolean {
  const place = KEY_SCOPES.indexOf(scope)
  // A file that was changed by hand may say anything.
  return place !== -1 && place <= KEY_SCOPES.indexOf(needed)
}

/** A key with 258 random bits, as many as a session's secret. */
export function mintApiKey(): string {
  return `${KEY_PREFIX}${nanoid(43)}`
}

export function isKeyScope(text: string): text is KeyScope {
  return (KEY_SCOPES as readonly string[]).includes(text)
}

const NAME = /^[\w.-]{1,64}$/

/** The shape of a key's name, for messages. */
export const KEY_NAME_SHAPE = '1 to 64 of A-Z a-z 0-9 . _ -'

/** Whether the text can be the name of a key; it may still begin as a key does. */
export function isKeyName(text: string): boolean {
  return NAME.test(text)
}

/** Whether the text has the shape of a key. Shorter keys could be guessed. */
export function isApiKey(text: string): boolean {
  return API_KEY.test(text)
}
