/** Texts from outside, as messages, lists and logs show them. */

/** Of a text in a message about a request; the rest of a longer one is left out. */
const SHOWN_CHARACTERS = 64

/**
 * In quotes, as JSON, with escapes for all that cannot be seen: nothing in it ends a line, draws on a
 * terminal or turns the text around.
 */
export function quote(text: string | undefined): string {
  return text === undefined ? 'nothing' : escapeUnseen(JSON.stringify(text))
}

/** The same of the beginning of a text that may be long. */
export function quoteStart(text: string): string {
  return quote(cutTo(text, SHOWN_CHARACTERS))
}

/** The text, or its beginning and `…` where it is longer. */
export function cutTo(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

// U+0085, U+2028 and U+2029 end a line for some readers, and JSON leaves them as they are. Lone
// surrogates are escaped by JSON.stringify.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** For text that is JSON, or in quotes as JSON: elsewhere the escapes mean nothing. */
export function escapeUnseen(json: string): string {
  return json.replace(UNSEEN, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
