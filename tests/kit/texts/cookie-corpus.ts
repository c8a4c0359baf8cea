/** Cookies as `PUT /cookies/NAME` takes them, for jars that are not ours to be tried on. */

export type CorpusCookie = {
  readonly name: string
  readonly value: string
  readonly maxAge?: number
  readonly expires?: string
  readonly path?: string
  readonly domain?: string
  readonly secure?: boolean
  readonly httpOnly?: boolean
  readonly sameSite?: 'Strict' | 'Lax' | 'None'
  readonly partitioned?: boolean
  readonly priority?: 'Low' | 'Medium' | 'High'
}

/** The site whose hosts may share cookies; a browser takes Secure ones from it without TLS. */
export const SITE = 'shop.localhost'
export const HOST = `www.${SITE}`

const VALUES = [
  '',
  'ada',
  'a b  c',
  '"ada"',
  '"a b',
  'a,b',
  'a=b==',
  '=',
  '%20%3B',
  '+',
  '\\"',
  "'",
  '<b>&amp',
  '{"a":[1,"b"]}',
  'grüße €',
  '🍪',
  '日本語',
  ' a ',
  'a;b',
  '50%',
  '\0\t\r\n',
  'x'.repeat(4_000),
]

const NAMES = ['a', '$a', "!#$%&'*+-.^_`|~", 'A'.repeat(200), 'toString', '__proto__', '_Host-a']

const ATTRIBUTES: readonly Omit<CorpusCookie, 'name' | 'value'>[] = [
  { maxAge: 60 },
  { maxAge: 400 * 86_400 },
  { expires: new Date(Date.now() + 3_600_000).toUTCString() },
  { maxAge: 60, expires: new Date(Date.now() + 3_600_000).toUTCString() },
  { path: '/cookies' },
  { path: '/shop' },
  { path: '/%C3%A9' },
  { domain: SITE },
  { domain: `.${HOST.toUpperCase()}` },
  { httpOnly: true },
  { sameSite: 'Strict' },
  { sameSite: 'Lax' },
  { secure: true },
  { secure: true, sameSite: 'None' },
  { secure: true, partitioned: true, sameSite: 'None' },
  { priority: 'High' },
  { priority: 'Low', httpOnly: true, sameSite: 'Lax', maxAge: 86_400 },
]

const PREFIXED: readonly CorpusCookie[] = [
  '__Secure-',
  '__Host-',
  '__Http-',
  '__Host-Http-',
].flatMap((prefix) =>
  [prefix, prefix.toLowerCase(), prefix.toUpperCase()].map((written) => ({
    name: `${written}a`,
    value: 'ada',
    secure: true,
    httpOnly: true,
    maxAge: 60,
  })),
)

export const CORPUS: readonly CorpusCookie[] = [
  ...VALUES.map((value) => ({ name: 'a', value })),
  ...NAMES.map((name) => ({ name, value: 'ada' })),
  ...ATTRIBUTES.map((attributes) => ({ name: 'a', value: 'ada', ...attributes })),
  ...PREFIXED,
]

/** RFC 6265 section 4.1.1: US-ASCII characters without controls, white space, " , ; and \\. */
const COOKIE_OCTET = /[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]/

/** The value as it goes through the browser. */
export function encodedOf(value: string): string {
  return [...value]
    .map((char) => (COOKIE_OCTET.test(char) && char !== '%' ? char : encodeURIComponent(char)))
    .join('')
}

/** The query of `DELETE /cookies/NAME` that takes this cookie back. */
export function deletionOf({ path, domain, secure, partitioned }: CorpusCookie): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries({ path, domain, secure, partitioned })) {
    if (value !== undefined) query.set(key, String(value))
  }
  return query.size === 0 ? '' : `?${query}`
}
