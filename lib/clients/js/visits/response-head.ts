/** The head of a response of Node's at the moment when it is written: the last at which it can change. */
import { addSetCookies } from './set-cookies.ts'

/** What is needed of a response. */
export type HeadResponse = {
  getHeader(name: string): number | string | readonly string[] | undefined
  setHeader(name: string, value: readonly string[]): unknown
}

type WriteHead = (this: unknown, status: number, ...others: unknown[]) => unknown

/**
 * Adds cookies to those that the application has set by then, by `setHeader` or by `writeHead` itself.
 * Node calls `writeHead` for every response.
 */
export function addCookiesAtHead(response: HeadResponse, ours: () => readonly string[]): void {
  const head = response as HeadResponse & { writeHead?: WriteHead }
  const { writeHead } = head
  if (writeHead === undefined) return
  head.writeHead = function writeHeadWithCookies(status, ...others) {
    const at = typeof others[0] === 'string' ? 1 : 0
    const { given, rest } = takeCookies(others[at])
    // What `writeHead` is given replaces what was set before.
    const cookies = given ?? cookiesOf(response.getHeader('Set-Cookie'))
    response.setHeader('Set-Cookie', [...addSetCookies(cookies, ours())])
    return writeHead.call(
      this,
      status,
      ...others.slice(0, at),
      ...(rest === undefined ? [] : [rest]),
    )
  }
}

export function cookiesOf(value: unknown): readonly string[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value.map(String) : [String(value)]
}

/** The cookies among the headers of a `writeHead`, undefined where it names none, and the other headers. */
function takeCookies(headers: unknown): {
  given: readonly string[] | undefined
  rest: unknown
} {
  if (typeof headers !== 'object' || headers === null) return { given: undefined, rest: headers }
  const isList = Array.isArray(headers)
  const pairs = isList ? pairsOf(headers) : Object.entries(headers)
  const given = pairs.filter(([name]) => isSetCookie(name))
  if (given.length === 0) return { given: undefined, rest: headers }
  const others = pairs.filter(([name]) => !isSetCookie(name))
  return {
    given: given.flatMap(([, value]) => cookiesOf(value)),
    rest: isList ? others.flat() : Object.fromEntries(others),
  }
}

/** Node takes names and values by turns, or in pairs. */
function pairsOf(list: readonly unknown[]): (readonly [unknown, unknown])[] {
  if (Array.isArray(list[0])) return list as (readonly [unknown, unknown])[]
  const pairs: (readonly [unknown, unknown])[] = []
  for (let at = 0; at + 1 < list.length; at += 2) pairs.push([list[at], list[at + 1]])
  return pairs
}

function isSetCookie(name: unknown): boolean {
  return String(name).toLowerCase() === 'set-cookie'
}
