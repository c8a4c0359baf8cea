import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AppContext } from '../../lib/http/app-env.ts'
import {
  parseCookieAttributes,
  parseCookieBody,
  parseCookieQuery,
} from '../../lib/http/cookies/cookie-body.ts'
import { parseCookies } from '../../lib/http/cookies/cookie-header.ts'
import { parseDateTime } from '../../lib/http/cookies/date-time.ts'
import { parseHop } from '../../lib/http/request/address.ts'
import { createForwarded } from '../../lib/http/request/forwarded.ts'
import { parseForwarded } from '../../lib/http/request/forwarded-header.ts'
import { createGuard } from '../../lib/http/server/guard.ts'
import { decodeSegment, readQueries, wantsText } from '../../lib/http/request/request.ts'
import { readPrecondition } from '../../lib/http/request/precondition-headers.ts'
import { renderSetCookie } from '../../lib/http/cookies/set-cookie.ts'
import { forwardAuth } from '../../lib/http/routes/verify.ts'
import { anyText, headerText, likely, pieced } from '../kit/texts/hostile-texts.ts'
import { unlessRefused } from '../kit/texts/unless-refused.ts'

const test = suite('parsers of HTTP, fuzzed')

const NOW = Date.UTC(2026, 0, 1)
const RUNS = { numRuns: 1_000 }

function contextOf(headers: Record<string, string>, url = 'http://localhost/'): AppContext {
  const target = url.replace(/^http:\/\/[^/]*/, '')
  const incoming = { url: target, headers, socket: { remoteAddress: '192.0.2.1' } }
  const readLower = (name: string) => headers[name.toLowerCase()]
  return {
    env: { incoming },
    req: { url, header: readLower },
    get: () => undefined,
  } as unknown as AppContext
}

test('decodeSegment: any text is what decodeURIComponent makes of it, or refused', () => {
  const property = fc.property(anyText, (text) => {
    const decoded = unlessRefused(() => decodeSegment(text))
    if (decoded === undefined) assert.throws(() => decodeURIComponent(text), /malformed/)
    else assert.is(decoded, decodeURIComponent(text))
  })
  fc.assert(property, RUNS)
})

test('readQueries: any query is what the URL standard has it for, or refused', () => {
  const property = fc.property(pieced, (text) => {
    const query = encodeURI(text.toWellFormed()).replaceAll('#', '').replaceAll('%25', '%')
    const context = contextOf({}, `http://localhost/session?${query}`)
    const parameters = unlessRefused(() => readQueries(context))
    if (parameters === undefined) return
    assert.equal([...parameters], [...new URLSearchParams(`&${query}`)])
  })
  fc.assert(property, RUNS)
})

test('readPrecondition: any header is a list of versions, or refused', () => {
  const lists = fc.array(fc.constantFrom('"1"', 'W/"2"', '*', ',', ' ', '"a,b"', '"', 'x'))
  const texts = fc.oneof(
    headerText,
    lists.map((parts) => parts.join('')),
  )
  const property = fc.property(texts, texts, (ifMatch, ifNoneMatch) => {
    const headers = { 'if-match': ifMatch, 'if-none-match': ifNoneMatch }
    const when = unlessRefused(() => readPrecondition(contextOf(headers)))
    for (const tags of [when?.required, when?.excluded]) {
      if (tags === undefined || tags === '*') continue
      for (const tag of tags) assert.ok(`${ifMatch}${ifNoneMatch}`.includes(`"${tag}"`))
    }
  })
  fc.assert(property, RUNS)
})

test('a long header that is nearly a list of versions is refused in no time', () => {
  for (const text of ['"1",'.repeat(4_000) + 'x', ' ,'.repeat(8_000) + 'x', '"'.repeat(15_999)]) {
    const began = performance.now()
    assert.is(
      unlessRefused(() => readPrecondition(contextOf({ 'if-match': text }))),
      undefined,
    )
    assert.ok(performance.now() - began < 500)
  }
})

test('wantsText: any Accept is answered yes or no', () => {
  const property = fc.property(headerText, headerText, (before, after) => {
    const context = contextOf({ accept: `${before}text/plain${after}` })
    assert.type(wantsText(context, new Map()), 'boolean')
  })
  fc.assert(property, RUNS)
})

test('forwarded: whatever proxies say, the address is one, and the scheme is known', () => {
  const forwarded = createForwarded(['192.0.2.0/24', '::1/128'])
  const hops = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), headerText, fc.constant('192.0.2.7')))
  const property = fc.property(hops, headerText, (addresses, proto) => {
    const headers = { 'x-forwarded-for': addresses.join(', '), 'x-forwarded-proto': proto }
    const context = contextOf(headers)
    assert.ok(isIP(forwarded.addressOf(context) ?? '') !== 0)
    assert.type(forwarded.isSecure(context), 'boolean')
  })
  fc.assert(property, RUNS)
})

test('parseForwarded: any text is elements of names and values, or none', () => {
  const property = fc.property(headerText, fc.array(headerText), (text, values) => {
    for (const element of parseForwarded(text)) {
      for (const [name] of element) assert.match(name, /^[^A-Z=;," ]+$/)
    }
    // What is quoted as section 4 of RFC 7239 has it comes back as it was.
    const quoted = values.map((value) => `for="${value.replace(/[\\"]/g, '\\$&')}"`).join(', ')
    const read = parseForwarded(quoted).flatMap((element) => element.get('for') ?? [])
    assert.equal(read, values)
  })
  fc.assert(property, RUNS)
})

test('parseHop: any text is an address in its one spelling, or none', () => {
  const property = fc.property(fc.oneof(headerText, fc.ipV4(), fc.ipV6()), (text) => {
    const address = parseHop(text)
    if (isIP(text) !== 0) assert.ok(address)
    if (address === undefined) return
    assert.ok(isIP(address) !== 0)
    for (const same of [address, `"${address}"`, ` ${address}\t`])
      assert.is(parseHop(same), address)
    const bracketed = isIP(address) === 6 ? `[${address}]` : address
    for (const port of [':80', ':_p', ':']) assert.is(parseHop(`${bracketed}${port}`), address)
  })
  fc.assert(property, RUNS)
})

test('parseDateTime: any text is a time that a date can hold, or none', () => {
  const parts = fc.constantFrom(
    'Sun',
    ', ',
    '06',
    ' ',
    '-',
    'Nov',
    '1994',
    '94',
    '08:49:37',
    '24:00:00',
  )
  const dates = fc.array(parts, { maxLength: 9 }).map((found) => found.join(''))
  const property = fc.property(fc.oneof(anyText, dates), (text) => {
    const ms = parseDateTime(text, NOW)
    if (ms !== undefined) assert.ok(Number.isFinite(new Date(ms).getTime()))
  })
  fc.assert(property, RUNS)
})

test('cookies: any header is a map of texts', () => {
  const property = fc.property(headerText, (header) => {
    for (const [name, value] of parseCookies(header)) {
      assert.is.not(name, '')
      assert.type(value, 'string')
    }
  })
  fc.assert(property, RUNS)
})

test('cookie-body: any JSON and any query are a cookie that fits one header line, or refused', () => {
  const property = fc.property(
    likely,
    fc.dictionary(anyText, anyText),
    anyText,
    (body, query, name) => {
      const made = [
        unlessRefused(() => parseCookieBody(body, NOW)),
        ...[() => parseCookieAttributes(body), () => parseCookieQuery(query)].map((parse) => {
          const attributes = unlessRefused(parse)
          return attributes && { value: 'v', attributes }
        }),
      ]
      for (const cookie of made) {
        if (cookie === undefined) continue
        for (const cookieName of ['name', name]) {
          const { value, attributes } = cookie
          const line = unlessRefused(() => renderSetCookie(cookieName, value, attributes, NOW))
          if (line !== undefined) assert.match(line, /^[^\x00-\x1f\x7f\u0100-\uffff]+$/)
        }
      }
    },
  )
  fc.assert(property, RUNS)
})

const { refuseRequest } = createGuard(forwardAuth)

test('guard: what it lets through has a host and a path that a URL can be made of', () => {
  const targets = fc.oneof(
    headerText,
    headerText.map((text) => `/${text}`),
    fc.constant('/session'),
  )
  const hosts = fc.oneof(
    headerText,
    fc.webAuthority({ withPort: true }),
    fc.ipV6().map((ip) => `[${ip}]`),
  )
  const property = fc.property(targets, hosts, (url, host) => {
    const request = {
      url,
      headers: { host },
      rawHeaders: ['Host', host],
    } as unknown as IncomingMessage
    assert.type(forwardAuth.isTarget(url), 'boolean')
    if (refuseRequest(request) !== undefined) return
    assert.ok(request.url?.startsWith('/'))
    assert.is(new URL(`http://${request.headers.host}${request.url}`).pathname[0], '/')
  })
  fc.assert(property, RUNS)
})

test.run()
