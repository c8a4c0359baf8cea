/** `/`: tells a browser what this server is; for programs there is nothing. */
import { createHash } from 'node:crypto'
import { accepts } from 'hono/accepts'
import { SAFE_HEADERS } from '../answer/answer.ts'
import type { AppContext } from '../app-env.ts'
import { readHeader } from '../request/request.ts'
import type { Handlers } from './routes.ts'

const JSON_TYPE = 'application/json'
const HTML_TYPE = 'text/html'

const HINT = `curl -i -c jar -b jar -X PUT -d '"ada"'`

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;padding:0 1em;' +
  'color-scheme:light dark}pre{overflow:auto;padding:.8em;border:1px solid;border-radius:.4em}'

// Loads, runs and sends nothing, and cannot be framed; the only style is the one above.
const PAGE_POLICY =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** `isSecure`: whether the browser came by https, for the URL to type. */
export function createFrontPage(isSecure: (c: AppContext) => boolean): Handlers['getFrontPage'] {
  return (c) => {
    // The 404 lists the paths that there are.
    if (!wantsHtml(c)) return c.notFound()
    return new Response(renderPage(originOf(c, isSecure)), {
      headers: {
        ...SAFE_HEADERS,
        Vary: 'Accept, Cookie',
        'Content-Security-Policy': PAGE_POLICY,
        'Content-Type': `${HTML_TYPE}; charset=utf-8`,
      },
    })
  }
}

function wantsHtml(c: AppContext): boolean {
  const supports = [JSON_TYPE, HTML_TYPE]
  return accepts(c, { header: 'Accept', supports, default: JSON_TYPE }) === HTML_TYPE
}

const HOST = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i

/** A `Host` of any other shape is not repeated. */
function originOf(c: AppContext, isSecure: (c: AppContext) => boolean): string {
  const host = readHeader(c, 'host') ?? ''
  return `${isSecure(c) ? 'https' : 'http'}://${HOST.test(host) ? host : 'localhost:7377'}`
}

function renderPage(origin: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Coatcheck</title>
<style>${STYLE}</style>
<h1>Coatcheck</h1>
<p>A session server: hand in an object, get a ticket; come back with the ticket, get the object.
It runs, and speaks HTTP and JSON. Type this in a terminal:</p>
<pre>${HINT} ${origin}/session/user
curl -b jar ${origin}/session/user
curl -b jar ${origin}/session</pre>
<p>In this browser: <a href="/session">the session of its cookie</a>, <a href="/cookies">its
cookies</a>, <a href="/healthz">the health of the server</a>.</p>
<p>All else is in the README that came with the program.</p>
</html>
`
}
