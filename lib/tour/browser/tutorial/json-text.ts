/** JSON as text: every digit that the server sent is shown, `1.0` and 64-bit integers too. */

/** A value, its leaves as they are written. */
export type Json =
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Json])[] }
  | { readonly kind: 'array'; readonly items: readonly Json[] }
  | { readonly kind: 'string' | 'other'; readonly text: string }

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Throws a `SyntaxError` for what is no JSON. */
export function readJson(text: string): Json {
  JSON.parse(text)
  // From here on it is JSON, so no token can be out of its place.
  const tokens = text.match(TOKEN) ?? []
  let at = 0

  function readValue(): Json {
    const token = tokens[at++] ?? ''
    if (token === '{') return { kind: 'object', members: readUntil('}', readMember) }
    if (token === '[') return { kind: 'array', items: readUntil(']', readValue) }
    return { kind: token.startsWith('"') ? 'string' : 'other', text: token }
  }

  function readMember(): readonly [string, Json] {
    const name = String(JSON.parse(tokens[at++] ?? '""'))
    at++
    return [name, readValue()]
  }

  function readUntil<T>(end: string, read: () => T): T[] {
    const found: T[] = []
    if (tokens[at] === end) at++
    else
      do found.push(read())
      while (tokens[at++] !== end)
    return found
  }

  return readValue()
}

/** On one line, as it would be sent. */
export function writeJson(json: Json): string {
  if (json.kind === 'object') {
    return `{${json.members.map(([name, value]) => `${JSON.stringify(name)}:${writeJson(value)}`).join(',')}}`
  }
  return json.kind === 'array' ? `[${json.items.map(writeJson).join(',')}]` : json.text
}

/** The member of an object; undefined where there is none. Of two of one name, the last. */
export function memberOf(json: Json, name: string): Json | undefined {
  if (json.kind !== 'object') return undefined
  return json.members.findLast(([other]) => other === name)?.[1]
}

/** A string's own text; undefined for anything else. */
export function stringOf(json: Json | undefined): string | undefined {
  return json?.kind === 'string' ? String(JSON.parse(json.text)) : undefined
}
