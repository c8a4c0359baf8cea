import type { AppContext } from '../app-env.ts'
import { parseForwarded } from './forwarded-header.ts'
import { readHeader } from './request.ts'

/**
 * A header in which proxies tell the browser's scheme. In a list, the nearest proxy's word is last.
 */
type Teller = { readonly header: string; readonly https: RegExp; readonly http: RegExp }

const WORD = { https: /(?:^|,)\s*(?:https|wss|ssl)\s*$/i, http: /(?:^|,)\s*(?:http|ws)\s*$/i }
const SWITCH = { https: /(?:^|,)\s*(?:on|1|true|yes)\s*$/i, http: /(?:^|,)\s*(?:off|0|no)\s*$/i }
const NOTHING = /$^/

/** Headers of content networks, which stand in front of all other proxies. */
const BROWSER_SIDE: readonly Teller[] = [
  { header: 'cloudfront-forwarded-proto', ...WORD },
  { header: 'cf-visitor', https: /"scheme":"https"/i, http: /"scheme":"http"/i },
]

const STANDARD: Teller = { header: 'x-forwarded-proto', ...WORD }

const OTHERS: readonly Teller[] = [
  // Gunicorn.
  { header: 'x-forwarded-protocol', ...WORD },
  { header: 'x-forwarded-scheme', ...WORD },
  // ingress-nginx.
  { header: 'x-scheme', ...WORD },
  { header: 'x-url-scheme', ...WORD },
  { header: 'x-forwarded-ssl', ...SWITCH },
  // Microsoft's.
  { header: 'front-end-https', ...SWITCH },
  // Azure App Service: facts of the certificate, present over https only.
  { header: 'x-arr-ssl', https: /\S/, http: NOTHING },
  { header: 'fastly-ssl', ...SWITCH },
  // ingress-nginx, in auth requests.
  { header: 'x-original-url', https: /^https:\/\//i, http: /^http:\/\//i },
  { header: 'x-forwarded-port', https: /(?:^|,)\s*443\s*$/, http: /(?:^|,)\s*80\s*$/ },
]

/**
 * The browser's scheme, as a proxy tells it; undefined where none does. The first header with a
 * known word decides. For trusted peers only.
 */
export function readToldScheme(c: AppContext): 'https' | 'http' | undefined {
  for (const teller of BROWSER_SIDE) {
    const told = ask(c, teller)
    if (told !== undefined) return told
  }
  const told = ask(c, STANDARD) ?? readForwardedProto(c)
  if (told !== undefined) return told
  for (const teller of OTHERS) {
    const other = ask(c, teller)
    if (other !== undefined) return other
  }
  return undefined
}

function ask(c: AppContext, { header, https, http }: Teller): 'https' | 'http' | undefined {
  const value = readHeader(c, header)
  if (value === undefined) return undefined
  if (https.test(value)) return 'https'
  return http.test(value) ? 'http' : undefined
}

function readForwardedProto(c: AppContext): 'https' | 'http' | undefined {
  const header = readHeader(c, 'forwarded')
  if (header === undefined) return undefined
  // The nearest one that has it: some proxies add an element with `for=` only.
  const proto =
    parseForwarded(header)
      .findLast((element) => element.has('proto'))
      ?.get('proto') ?? ''
  if (WORD.https.test(proto)) return 'https'
  return WORD.http.test(proto) ? 'http' : undefined
}
