/** Strings in quotes, as redis-cli, redis-dump and CSV write them. */
import { isUtf8 } from 'node:buffer'

const ESCAPED: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
}

/** Decodes the escapes of redis-cli: `\n`, `\"`, `\x0a`; each byte becomes one character. */
export function unescapeRedis(text: string): string {
  return text.replaceAll(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (_all, hex?: string, char?: string) =>
    hex === undefined
      ? (ESCAPED[char ?? ''] ?? char ?? '')
      : String.fromCharCode(parseInt(hex, 16)),
  )
}

export type Word = { readonly text: string; readonly rest: string }

/**
 * Splits off the first word of a line at a space, tab or comma. The word may be in quotes, with the
 * escapes of redis-cli or with quotes doubled as in CSV. Undefined if a quote is not closed.
 */
export function takeWord(line: string): Word | undefined {
  const quote = line[0]
  if (quote !== '"' && quote !== "'") {
    const end = line.search(/[\t ,]/)
    return end === -1 ? { text: line, rest: '' } : wordOf(line.slice(0, end), line.slice(end))
  }
  const csv = quote === '"' ? /^"((?:[^"]|"")*)"(?=[\t ,]|$)/s.exec(line) : null
  const escaped = (
    quote === '"' ? /^"((?:[^"\\]|\\.)*)"(?=[\t ,]|$)/s : /^'((?:[^'\\]|\\.)*)'(?=[\t ,]|$)/s
  ).exec(line)
  const isCsv = csv?.[1]?.includes('""') === true && escaped === null
  if (isCsv) return wordOf(csv[1]?.replaceAll('""', '"') ?? '', line.slice(csv[0].length))
  if (escaped === null) return undefined
  const json = quote === '"' ? parseString(escaped[0]) : undefined
  if (json !== undefined) return wordOf(json, line.slice(escaped[0].length))
  const inner = escaped[1] ?? ''
  return wordOf(restoreBytes(unescapeRedis(inner), inner), line.slice(escaped[0].length))
}

/** As JSON, which `redis-cli --json` prints; undefined for escapes that JSON does not have. */
function parseString(quoted: string): string | undefined {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return undefined
  }
}

function wordOf(text: string, behind: string): Word {
  return { text, rest: behind.replace(/^[\t ]*,?[\t ]*/, '') }
}

/** Reads escaped bytes (`\xc3\xab`) as UTF-8 if they are valid. */
function restoreBytes(text: string, escaped: string): string {
  if (!/\\x[89a-fA-F]/.test(escaped) || /[^\x00-\xff]/.test(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}
