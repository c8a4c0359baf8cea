/** Requests that are right, and what a fuzzer makes of them: other words, other bytes, other lengths. */
import type { Random } from '../random.ts'

export type Message = {
  method: string
  target: string
  /** One character a byte. */
  headers: [name: string, value: string][]
  body: Buffer
}

/** What the requests are about; all of it the fuzzer's own. */
export type Belongings = {
  readonly key: string
  readonly cookies: readonly string[]
  readonly ids: readonly string[]
}

const METHODS = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'M-SEARCH', 'QUERY']

const WORDS = [
  ...['', ' ', '\t', '"', "'", '\\', '/', '//', '..', '.', '%', '%2F', '%00', '%ff', '%C3', '%zz'],
  ...['+', '&', '=', '&&', '?', '#', ';', ',', ':', '*', '@', '~1', '~0', '~', '-', '__proto__'],
  ...[
    'constructor',
    'toString',
    'null',
    'true',
    'false',
    'NaN',
    '1e400',
    '-0',
    '0x10',
    '1e-999999999',
  ],
  ...[
    '9'.repeat(500),
    '9007199254740993',
    '18446744073709551616',
    '-9223372036854775809',
    '0.1',
    '00',
  ],
  ...[
    '{}',
    '[]',
    '{',
    '[',
    '}',
    ']',
    '[[[[',
    '{"a":',
    '"\\u0000"',
    '"\\ud800"',
    '\\u',
    '\ufffd',
    'é',
  ],
  ...[
    '\x00',
    '\x01',
    '\x7f',
    '\x80',
    '\xff',
    '\xc3\xa9',
    '\xef\xbb\xbf',
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
  ],
  ...[
    'increment',
    'append',
    'merge',
    'data',
    'claims',
    'permanent',
    'sub',
    'device',
    'value',
    'op',
  ],
  ...[
    'touch',
    'default',
    'limit',
    'after',
    'except',
    'renew',
    'clear',
    'session',
    'sessions',
    'verify',
  ],
  ...[
    'cookies',
    'sid',
    '__Host-Http-sid',
    'text/plain',
    'application/json',
    'close',
    'chunked',
    'gzip',
  ],
  ...[
    'application/json-patch+json',
    'Sun, 06 Nov 1994 08:49:37 GMT',
    '2026-01-01T00:00:00Z',
    'W/"1"',
  ],
  ...[
    '"1"',
    '"',
    '*',
    'Bearer',
    'Basic',
    'ck_',
    'https',
    'cross-site',
    '192.0.2.1',
    '::1',
    '[::1]:80',
  ],
  ...['x'.repeat(300), 'x'.repeat(5_000), '='.repeat(2_000), '['.repeat(3_000), '%41'.repeat(200)],
]

const HEADER_NAMES = [
  ...['Cookie', 'Authorization', 'Content-Type', 'Accept', 'If-Match', 'If-None-Match', 'Origin'],
  ...['Sec-Fetch-Site', 'X-Forwarded-For', 'X-Forwarded-Proto', 'Expect', 'Upgrade', 'Connection'],
  ...['Transfer-Encoding', 'Content-Length', 'Content-Encoding', 'TE', 'Trailer', 'Range', 'Host'],
  ...['HTTP2-Settings', 'User-Agent', 'X-HTTP-Method-Override', '__proto__', 'constructor'],
]

/** A request that is right in every way, on behalf of somebody. */
export function makeRequest(random: Random, { key, cookies, ids }: Belongings): Message {
  const cookie = random.pick(cookies)
  const id = random.pick(ids)
  const name = random.pick(['user', 'cart', 'hits', 'map', 'renew', 'a%2Fb', '%F0%9F%98%80', 'k'])
  const holder: [string, string][] = random.oneIn(5) ? [] : [['Cookie', cookie]]
  const backEnd: [string, string][] = [['Authorization', `Bearer ${key}`]]
  const whose = random.oneIn(2) ? '/session' : `/sessions/${id}`
  const headers = whose === '/session' ? holder : backEnd
  const patch: [string, string] = ['Content-Type', 'application/json-patch+json']
  const plain: [string, string] = ['Content-Type', 'text/plain']
  const message = (method: string, target: string, body = '', more = headers): Message => {
    return { method, target, headers: [...more], body: Buffer.from(body) }
  }
  return random.pick([
    () =>
      message('PUT', `${whose}/${name}`, random.pick(['"ada"', '1.0', '[1,2]', '{"a":{"b":1}}'])),
    () => message('PUT', `${whose}/${name}?as=text`, 'plain text, é', [...headers, plain]),
    () => message('PUT', '/session', '{"a":1,"b":null}', holder),
    () => message('GET', `${whose}/${name}`),
    () => message('GET', `${whose}/${name}?default=%22nobody%22&touch=false`),
    () =>
      message('GET', `${whose}/${name}`, '', [...headers, ['Accept', 'text/plain;q=1, */*;q=0.1']]),
    () => message('DELETE', `${whose}/${name}?default=1`),
    () => message('PATCH', `${whose}/hits`, '{"increment":1.5}'),
    () => message('PATCH', `${whose}/list`, '{"append":{"x":[1]}}'),
    () => message('PATCH', `${whose}/map`, '{"merge":{"a":{"b":null},"c":1}}'),
    () => message('PATCH', whose, '{"data":{"user":"ada","old":null},"permanent":true}'),
    () =>
      message(
        'PATCH',
        whose,
        '[{"op":"add","path":"/data/user","value":"ada"},{"op":"test","path":"/data/user","value":"ada"},{"op":"copy","from":"/data/user","path":"/data/copy"},{"op":"move","from":"/data/copy","path":"/data/moved"},{"op":"remove","path":"/data/moved"}]',
        [...headers, patch],
      ),
    () => message('PUT', `${whose}/${name}`, '1', [...headers, ['If-Match', '"1", W/"2"']]),
    () => message('PUT', `${whose}/${name}`, '1', [...headers, ['If-None-Match', '*']]),
    () => message('GET', whose),
    () => message('POST', `${whose}/clear`),
    () => message('POST', '/session/renew', '', [['Cookie', cookie]]),
    () => message('GET', '/verify', '', holder),
    () =>
      message('PATCH', '/session', '{"claims":{"sub":"fuzz","role":"x"}}', [...holder, ...backEnd]),
    () =>
      message(
        'POST',
        '/sessions',
        '{"data":{"a":1},"claims":{"sub":"fuzz"},"permanent":false,"idleTimeout":60,"lifetime":600,"device":{"address":"192.0.2.1","userAgent":"x"}}',
        backEnd,
      ),
    () => message('PUT', `/sessions/${id}`, '{"data":{"a":1}}', backEnd),
    () => message('GET', '/sessions?sub=fuzz&limit=3&after=1', '', backEnd),
    () => message('DELETE', `/sessions?sub=fuzz&except=${id}`, '', backEnd),
    () =>
      message(
        'PUT',
        '/cookies/theme',
        '{"value":"dark","maxAge":60,"expires":"2026-12-01T00:00:00Z","path":"/x","domain":"localhost","secure":true,"httpOnly":true,"sameSite":"None","partitioned":true,"priority":"High"}',
        [],
      ),
    () => message('GET', '/cookies', '', [['Cookie', 'theme=dark; a=b; theme=light']]),
    () => message('GET', '/cookies/theme', '', [['Cookie', 'theme="dark"; sid=1']]),
    () => message('DELETE', '/cookies/theme?path=/x&secure=true', '{"domain":"localhost"}', []),
  ])()
}

/** The bytes of a request like it, but for a few changes; now and then, of the request as it is. */
export function mutate(random: Random, message: Message): Buffer {
  for (let changes = random.below(4); changes > 0; changes--) changePart(random, message)
  let bytes = render(random, message)
  if (random.oneIn(8)) {
    for (let changes = 1 + random.below(3); changes > 0; changes--)
      bytes = changeBytes(random, bytes)
  }
  return bytes
}

function changePart(random: Random, message: Message): void {
  const header = message.headers[random.below(message.headers.length)]
  random.pick([
    () => (message.method = random.pick(METHODS)),
    () => (message.target = changeText(random, message.target)),
    () => (message.target = changeText(random, message.target)),
    () =>
      (message.target += `${random.pick(['?', '&', '/'])}${random.pick(WORDS)}=${random.pick(WORDS)}`),
    () => message.headers.push([random.pick(HEADER_NAMES), random.pick(WORDS)]),
    () => header && (header[1] = changeText(random, header[1])),
    () => header && (header[0] = random.pick(HEADER_NAMES)),
    () => header && message.headers.push(header),
    () => message.headers.splice(random.below(message.headers.length + 1), 1),
    () => (message.body = changeBytes(random, message.body)),
    () => (message.body = changeBytes(random, message.body)),
    () => (message.body = changeBytes(random, message.body)),
    () => (message.body = changeJson(random, message.body)),
    () => (message.body = changeJson(random, message.body)),
  ])()
}

/** Some word of the JSON becomes another one. */
function changeJson(random: Random, body: Buffer): Buffer {
  const words = body.toString('latin1').split(/("(?:[^"\\]|\\.)*"|[\d.eE+-]+|true|false|null)/)
  const at = random.below(words.length)
  const quoted = `"${random.pick(WORDS).replaceAll(/[\x00-\x1f"\\]/g, '')}"`
  words[at] = random.pick([random.pick(WORDS), quoted, random.pick(words), '{}', '[]', '1', ''])
  return Buffer.from(words.join(''), 'latin1')
}

function changeText(random: Random, text: string): string {
  return changeBytes(random, Buffer.from(text, 'latin1')).toString('latin1')
}

function changeBytes(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1)
  const to = at + random.below(Math.min(16, bytes.length - at + 1))
  const [before, cut, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)]
  const word = Buffer.from(random.pick(WORDS), 'latin1')
  return random.pick([
    () => Buffer.concat([before, word, after]),
    () => Buffer.concat([before, word, cut, after]),
    () => Buffer.concat([before, cut, cut, cut, after]),
    () => Buffer.concat([before, after]),
    () => before,
    () => Buffer.concat([before, random.bytes(1 + random.below(4)), after]),
    () => {
      const flipped = Buffer.from(bytes)
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8))
      return flipped
    },
  ])()
}

/** With a length that is right, mostly; some in chunks. */
function render(random: Random, { method, target, headers, body }: Message): Buffer {
  const isChunked = body.length > 0 && random.oneIn(6)
  const told = random.oneIn(30) ? body.length + random.below(9) - 4 : body.length
  const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${told}`
  const version = random.oneIn(50) ? random.pick(['1.0', '2.0', '0.9', '1.1 ', '11']) : '1.1'
  const lines = [
    `${method} ${target} HTTP/${version}`,
    'Host: localhost',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body.length > 0 || random.oneIn(3) ? [length] : []),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return Buffer.concat([head, isChunked ? toChunks(random, body) : body])
}

function toChunks(random: Random, body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const part = body.subarray(at, at + 1 + random.below(body.length))
    const extension = random.oneIn(8) ? `;${random.pick(WORDS)}` : ''
    parts.push(Buffer.from(`${part.length.toString(16)}${extension}\r\n`, 'latin1'), part)
    parts.push(Buffer.from('\r\n'))
    at += part.length
  }
  const trailer = random.oneIn(8) ? `X: ${random.pick(WORDS)}\r\n` : ''
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailer}\r\n`, 'latin1')])
}
