/** JSON text for people: each member on a line, each value as it stands. */
import type { JsonText } from './json.ts'

/**
 * Breaks and indents valid JSON. Only blanks between values change, so a number keeps its digits and a
 * string its escapes. Objects and lists without members stay as they are.
 */
export function indentJson(text: JsonText): string {
  let out = ''
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    switch (character) {
      case '"': {
        const end = endOfString(text, at)
        out += text.slice(at, end)
        at = end - 1
        break
      }
      case '{':
      case '[': {
        const next = skipBlanks(text, at + 1)
        if (text[next] === '}' || text[next] === ']') {
          out += character + (text[next] ?? '')
          at = next
        } else {
          out += character + lineBreak(++depth)
        }
        break
      }
      case '}':
      case ']':
        out += lineBreak(--depth) + character
        break
      case ',':
        out += character + lineBreak(depth)
        break
      case ':':
        out += ': '
        break
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        break
      default:
        out += character
    }
  }
  return out
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (' \t\n\r'.includes(text[at] ?? '.')) at++
  return at
}

/** Deep levels are no further to the right: a thousand of them would be megabytes of blanks. */
const DEEPEST = 20

function lineBreak(depth: number): string {
  return `\n${'  '.repeat(Math.min(depth, DEEPEST))}`
}
