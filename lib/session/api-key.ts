import { nanoid } from 'nanoid'

const API_KEY = /^ck_[\w-]{21,200}$/

/** The prefix of every API key. */
export const KEY_PREFIX = 'ck_'

/** The shape of an API key, for messages. */
export const API_KEY_SHAPE = 'ck_ and 21 to 200 of A-Z a-z 0-9 _ -'

/** A key with 258 random bits, as many as a session's secret. */
export function mintApiKey(): string {
  return `${KEY_PREFIX}${nanoid(43)}`
}

/** Whether the text has the shape of a key. Shorter keys could be guessed. */
export function isApiKey(text: string): boolean {
  return API_KEY.test(text)
}
