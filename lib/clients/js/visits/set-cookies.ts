/** The `Set-Cookie` headers of a response: those of Coatcheck, passed on with all their attributes. */

/**
 * The headers of a response after it has been given these, too. A later one replaces an earlier one for the
 * same cookie: of two, a browser would keep whichever it reads last, and others the first.
 */
export function mergeSetCookies(
  present: readonly string[],
  added: readonly string[],
): readonly string[] {
  if (present.length === 0 && added.length === 1) return added
  const byCookie = new Map<string, string>()
  for (const header of [...present, ...added]) {
    const key = identityOf(header)
    byCookie.delete(key)
    byCookie.set(key, header)
  }
  return [...byCookie.values()]
}

/**
 * The headers of an application's response with those of Coatcheck. Where both name a cookie, by whatever path
 * or domain, Coatcheck's stand: of two `Set-Cookie` of one name a browser would keep both, or either.
 */
export function addSetCookies(
  applications: readonly string[],
  ours: readonly string[],
): readonly string[] {
  // control: client-one-cookie
  const names = new Set(ours.map(nameOf))
  return [...applications.filter((header) => !names.has(nameOf(header))), ...ours]
}

function nameOf(header: string): string {
  return header.split(/[=;]/, 1)[0]?.trim() ?? ''
}

/** `name=value` of the cookie that the headers leave a browser with; undefined where they only remove. */
export function pairOf(headers: readonly string[]): string | undefined {
  const pairs = headers.map((header) => header.split(';', 1)[0]?.trim() ?? '')
  return pairs.findLast((pair) => !pair.endsWith('='))
}

/** A browser tells cookies apart by name, domain and path (RFC 6265 section 5.3). */
function identityOf(header: string): string {
  const [pair = '', ...attributes] = header.split(';')
  let domain = ''
  let path = ''
  for (const attribute of attributes) {
    const [name = '', value = ''] = attribute.split('=')
    const lower = name.trim().toLowerCase()
    if (lower === 'domain') domain = value.trim().toLowerCase().replace(/^\./, '')
    if (lower === 'path') path = value.trim()
  }
  return JSON.stringify([pair.split('=', 1)[0]?.trim(), domain, path])
}
