/** The `Forwarded` header of RFC 7239: an element for each proxy. */

/** The parameters of one element, by name in lower case and without quotes. */
export type ForwardedElement = ReadonlyMap<string, string>

const ELEMENT_END = /[ \t]*(,|$)/y
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))[ \t]*;?/y

/**
 * The elements in the order of the header, the nearest proxy's last; empty ones count. None of a
 * malformed header: another program could believe a part that is skipped here.
 */
export function parseForwarded(header: string | undefined): readonly ForwardedElement[] {
  const elements: ForwardedElement[] = []
  if (header === undefined) return elements
  for (let at = 0; at <= header.length;) {
    const element = new Map<string, string>()
    for (;;) {
      PAIR.lastIndex = at
      const [whole = '', name = '', quoted, token] = PAIR.exec(header) ?? []
      if (whole === '') break
      at += whole.length
      const value = quoted === undefined ? (token ?? '') : quoted.replace(/\\(.)/g, '$1')
      // Section 4: each parameter at most once in an element.
      if (element.has(name.toLowerCase())) return []
      element.set(name.toLowerCase(), value)
    }
    ELEMENT_END.lastIndex = at
    const end = ELEMENT_END.exec(header)
    if (end === null) return []
    elements.push(element)
    if (end[1] === '') return elements
    at += end[0].length
  }
  return elements
}
