import type { AppContext } from '../app-env.ts'
import { parseForwarded } from './forwarded-header.ts'
import { readHeader } from './request.ts'

/** A header by which proxies tell the browser's scheme. Of a list, the last word is the nearest's. */
type Teller = { readonly header: string; readonly https: RegExp; readonly http: RegExp }

const WORD = { https: /(?:^|,)\s*(?:https|wss|ssl)\s*$/i, http: /(?:^|,)\s*(?:http|ws)\s*$/i }
const SWITCH = { https: /(?:^|,)\s*(?:on|1|true|yes)\s*$/i, http: /(?:^|,)\s*(?:off|0|no)\s*$/i }
const NOTHING = /$^/

/** What a network in front of all others says of its visitor, wherever the connections go from there. */
const BROWSER_SIDE: readonly Teller[] = [
  { header: 'cloudfront-forwarded-proto', ...WORD },
  { header: 'cf-visitor', https: /"scheme":"https"/i, http: /"scheme":"http"/i },
]

const STANDARD: Teller = { header: 'x-forwarded-proto', ...WORD }

const OTHERS: readonly Teller[] = [
  // Gunicorn's default beside the two others that it knows.
  { header: 'x-forwarded-protocol', ...WORD },
  { header: 'x-forwarded-scheme', ...WORD },
  // ingress-nginx.
  { header: 'x-scheme', ...WORD },
  { header: 'x-url-scheme', ...WORD },
  { header: 'x-forwarded-ssl', ...SWITCH },
  // Microsoft's.
  { header: 'front-end-https', ...SWITCH },
  // Azure App Service: what is known of the certificate, where there is one.
  { header: 'x-arr-ssl', https: /\S/, http: NOTHING },
  { header: 'fastly-ssl', ...SWITCH },
  // ingress-nginx asks about a request in this way alone.
  { header: 'x-original-url', https: /^https:\/\//i, http: /^http:\/\//i },
  { header: 'x-forwarded-port', https: /(?:^|,)\s*443\s*$/, http: /(?:^|,)\s*80\s*$/ },
]

/**
 * Whether a proxy tells that the browser speaks https; undefined where none says anything. The first
 * header that says something decides: an empty one, or a word that is none, says nothing. To be asked
 * for trusted peers only.
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
  // The nearest that says so: who only notes where a request came from adds an element, too.
  const proto =
    parseForwarded(header)
      .findLast((element) => element.has('proto'))
      ?.get('proto') ?? ''
  if (WORD.https.test(proto)) return 'https'
  return WORD.http.test(proto) ? 'http' : undefined
}
