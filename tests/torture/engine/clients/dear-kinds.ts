/**
 * Requests that may be dear, each made of some numbers from 0 to 1, its genes, which a search can turn:
 * for every operation on a session, and for all that is read at the door.
 */
import { requestText } from '../../../kit/clients/load-client.ts'

export type Genes = readonly number[]

export type DearKind = {
  readonly genes: number
  /** Where the search begins; at the largest of the first shape where nothing is said. */
  readonly start?: Genes
  /** The data that the session has before, as JSON; undefined for what needs none. */
  readonly data?: (genes: Genes) => string
  /** The request's text, with a holder's cookie. */
  readonly request: (genes: Genes, cookie: string) => string
}

const BODY_BYTES = 1_000_000
const DATA_BYTES = 60_000
const DEEPEST = 60

/** On a scale on which the small is as likely as the large. */
function upTo(most: number, gene = 1): number {
  return Math.max(1, Math.round(most ** gene))
}

function pick<T>(from: readonly [T, ...T[]], gene = 0): T {
  return from[Math.min(from.length - 1, Math.floor(gene * from.length))] ?? from[0]
}

function repeat(part: (index: number) => string, bytes: number): string {
  const parts: string[] = []
  for (let left = bytes; left > 0; left -= (parts.at(-1)?.length ?? 0) + 1) {
    parts.push(part(parts.length))
  }
  return parts.join(',')
}

const ITEMS = [
  '1',
  '[]',
  '{}',
  '""',
  '1.50',
  '0e5',
  '"\\u0041"',
  '{"a":1}',
  '[[1]]',
  'null',
] as const

/** A value of about so many bytes: a flat or deep list or object, a long text, or a long number. */
function value(bytes: number, shape: number, gene = 0): string {
  const item = pick(ITEMS, gene)
  const depth = upTo(DEEPEST, gene)
  switch (
    pick(['list', 'object', 'text', 'escapes', 'number', 'exponent', 'deep', 'same'], shape)
  ) {
    case 'list':
      return `[${repeat(() => item, bytes)}]`
    case 'object':
      return `{${repeat((n) => `"${n.toString(36)}":${item}`, bytes)}}`
    case 'text':
      return `"${'x'.repeat(bytes)}"`
    case 'escapes':
      return `"${'\\"'.repeat(bytes / 2)}"`
    case 'number':
      return '9'.repeat(bytes)
    case 'exponent':
      return `1e${'9'.repeat(bytes)}`
    case 'deep':
      return `${'{"a":'.repeat(depth)}[${repeat(() => item, bytes)}]${'}'.repeat(depth)}`
    default:
      return `{${repeat(() => '"a":1', bytes)}}`
  }
}

function patch(
  cookie: string,
  first: string,
  steps: (index: number) => string,
  count: number,
): string {
  const all = [first]
  for (
    let bytes = 0;
    all.length <= count && bytes < BODY_BYTES;
    bytes += (all.at(-1) ?? '').length
  ) {
    all.push(steps(all.length - 1))
  }
  const last = '{"op":"add","path":"/data/a","value":0},{"op":"add","path":"/data/b","value":0}'
  return ask(
    cookie,
    'PATCH /session',
    `[${all.filter((step) => step !== '').join(',')},${last}]`,
    true,
  )
}

function ask(cookie: string, line: string, body: string, isPatch = false, more = ''): string {
  const type = isPatch ? '\r\nContent-Type: application/json-patch+json' : ''
  return requestText(line, `${cookie}${type}${more}`, body)
}

const add = (text: string) => `{"op":"add","path":"/data/a","value":${text}}`

export const DEAR_KINDS: Readonly<Record<string, DearKind>> = {
  'patch that shifts': {
    genes: 3,
    start: [0.95, 0.85, 0],
    request: ([size, count, at = 0], cookie) => {
      const length = Math.min(60_000, upTo(60_000, size))
      const place = Math.floor(at * 0.1 * length)
      const move = `{"op":"move","from":"/data/a/${length - 1}","path":"/data/a/${place}"}`
      return patch(cookie, add(`[${'1,'.repeat(length - 1)}1]`), () => move, upTo(15_000, count))
    },
  },
  'patch that copies': {
    genes: 4,
    start: [0.95, 0.7, 0.15, 0],
    request: ([size, count, shape = 0, item], cookie) =>
      patch(
        cookie,
        add(value(upTo(DATA_BYTES, size), shape, item)),
        (n) =>
          n % 2 === 0
            ? '{"op":"copy","from":"/data/a","path":"/data/b"}'
            : `{"op":"add","path":"/data/b${shape < 0.2 ? '/0' : '/x'}","value":1}`,
        upTo(15_000, count),
      ),
  },
  'patch that tests': {
    genes: 4,
    start: [0.95, 0.3, 0, 0.45],
    request: ([size, count, shape = 0, item], cookie) => {
      const text = value(upTo(DATA_BYTES, size), shape, item)
      const same = `{"op":"test","path":"/data/a","value":${text.replace(/^\S/, '$& ')}}`
      return patch(cookie, add(text), () => same, upTo(15_000, count))
    },
  },
  'patch that passes space': {
    genes: 3,
    start: [0.99, 0.8, 0],
    request: ([size, count, place = 0], cookie) => {
      const space = ' '.repeat(upTo(DATA_BYTES, size))
      const [held, same] = pick<readonly [string, string]>(
        [
          [`[${space}[1]]`, '[[1]]'],
          [`[[1]${space}]`, '[[1]]'],
          [`{${space}"a":{}}`, '{"a":{}}'],
          [`{"a":${space}{}}`, '{"a":{}}'],
          [`{"a"${space}:{}}`, '{"a":{}}'],
          [`[${space}1]`, '[1]'],
        ],
        place,
      )
      const test = `{"op":"test","path":"/data/a","value":${same}}`
      return patch(cookie, add(held), () => test, upTo(15_000, count))
    },
  },
  'patch of long paths': {
    genes: 3,
    request: ([depth, count, op = 0], cookie) => {
      const levels = upTo(999, depth)
      const path = `/data/a${'/a'.repeat(levels)}`
      const step =
        op < 0.5
          ? `{"op":"test","path":"/data/a","value":0,"x":"${path}"}`
          : `{"op":"copy","from":"/data/a","path":"/data/b","x":"${path}"}`
      return patch(cookie, add('0'), () => step, upTo(30_000, count))
    },
  },
  'patch of many members': {
    genes: 2,
    request: ([count, size], cookie) =>
      ask(
        cookie,
        'PATCH /session',
        `[{${repeat((n) => `"${n % upTo(90_000, size)}":1`, upTo(BODY_BYTES, count))}}]`,
        true,
      ),
  },
  'merge into the session': {
    genes: 5,
    start: [0.95, 0.8, 0.15, 0.15, 0],
    data: ([size, , shape = 0, , item]) => `{"a":${value(upTo(DATA_BYTES, size), shape, item)}}`,
    request: ([, size, , shape = 0, item], cookie) =>
      ask(cookie, 'PATCH /session', `{"data":{"a":${value(upTo(BODY_BYTES, size), shape, item)}}}`),
  },
  'merge of nulls': {
    genes: 2,
    request: ([size, depth], cookie) => {
      const levels = upTo(DEEPEST, depth)
      const nulls = repeat((n) => `"${n.toString(36)}":null`, upTo(BODY_BYTES, size))
      return ask(
        cookie,
        'PATCH /session',
        `{"data":${'{"a":'.repeat(levels)}{${nulls}}${'}'.repeat(levels)}}`,
      )
    },
  },
  'edits of many keys': {
    genes: 4,
    start: [0.8, 0.8, 0.2, 0],
    data: ([, size, , item]) => `{"a":${value(upTo(DATA_BYTES, size), 0.2, item)}}`,
    request: ([count, , depth, shape = 0], cookie) => {
      const levels = upTo(DEEPEST, depth)
      const bytes = upTo(BODY_BYTES, count)
      const name = (n: number) => `"${n.toString(36)}"`
      const edits = pick(
        [
          () => `"remove":[${repeat(name, bytes)}]`,
          () => `"set":{${repeat((n) => `${name(n)}:1`, bytes)}}`,
          () => `"increment":{${repeat((n) => `${name(n)}:1`, bytes)}}`,
          () => `"extend":{${repeat((n) => `${name(n)}:[]`, bytes)}}`,
          () => `"in":{${repeat((n) => `${name(n)}:{}`, bytes)}}`,
        ],
        shape,
      )()
      const body = `${'{"in":{"a":'.repeat(levels)}{${edits}}${'}}'.repeat(levels)}`
      return ask(cookie, 'PATCH /session', body)
    },
  },
  'edits with large values': {
    genes: 5,
    start: [0.95, 0.8, 0.15, 0.15, 0],
    data: ([size, , shape = 0, , item]) => `{"a":${value(upTo(DATA_BYTES, size), shape, item)}}`,
    request: ([, size, shape = 0, deep = 0, item], cookie) => {
      const text = value(upTo(BODY_BYTES, size), shape, item)
      const edit = deep < 0.5 ? `"set":{"b":${text}}` : `"extend":{"a":[${text}]}`
      return ask(cookie, 'PATCH /session', `{${edit},"in":{"c":{"set":{"d":1}}}}`)
    },
  },
  'merge into a key': {
    genes: 5,
    start: [0.95, 0.8, 0.8, 0.8, 0.9],
    data: ([size, , shape = 0, , item]) =>
      `{"a":{"a":${value(upTo(DATA_BYTES, size), shape, item)}}}`,
    request: ([, size, , shape = 0, item], cookie) =>
      ask(
        cookie,
        'PATCH /session/a',
        `{"merge":{"a":${value(upTo(BODY_BYTES, size), shape, item)}}}`,
      ),
  },
  append: {
    genes: 4,
    data: ([size, , , item]) => `{"a":${value(upTo(DATA_BYTES, size), 0, item)}}`,
    request: ([, size, shape = 0, item], cookie) =>
      ask(cookie, 'PATCH /session/a', `{"append":${value(upTo(BODY_BYTES, size), shape, item)}}`),
  },
  increment: {
    genes: 3,
    start: [0.1, 1, 0],
    data: ([size, , shape = 0]) =>
      `{"a":${value(upTo(DATA_BYTES, size), shape < 0.5 ? 0.55 : 0.65)}}`,
    request: ([, size, shape = 0], cookie) =>
      ask(
        cookie,
        'PATCH /session/a',
        `{"increment":${value(upTo(BODY_BYTES, size), shape < 0.5 ? 0.65 : 0.55)}}`,
      ),
  },
  set: {
    genes: 4,
    data: ([size, , shape = 0, item]) => `{"b":${value(upTo(DATA_BYTES, size), shape, item)}}`,
    request: ([, size, shape = 0, item], cookie) =>
      ask(cookie, 'PUT /session/a', value(upTo(BODY_BYTES, size), shape, item)),
  },
  pop: {
    genes: 3,
    data: ([size, shape = 0, item]) => `{"b":${value(upTo(DATA_BYTES, size), shape, item)}}`,
    request: (_, cookie) => ask(cookie, 'DELETE /session/none?default=1', ''),
  },
  'a broken body': {
    genes: 4,
    request: ([size, shape = 0, item, end = 0], cookie) =>
      ask(
        cookie,
        'PUT /session/a',
        `${value(upTo(BODY_BYTES, size), shape, item)}${pick(['\u0001', '}', '', ',', '\\'], end)}`,
      ),
  },
  'a body of lines': {
    genes: 2,
    request: ([size, shape = 0], cookie) =>
      ask(
        cookie,
        'PUT /session/a',
        pick(['\n', ' ', '1,\n', '[\n', '"\\'], shape).repeat(upTo(200_000, size)),
      ),
  },
  'a cookie to be set': {
    genes: 3,
    request: ([size, shape = 0, item], cookie) =>
      ask(cookie, 'PUT /cookies/theme', value(upTo(BODY_BYTES, size), shape, item)),
  },
  'the Cookie header': {
    genes: 2,
    request: ([size, shape = 0], cookie) =>
      ask(
        `${cookie}; ${pick(['a=1;', ';', 'sid ;', 'sid=1 ;', '=', ' ', 'é='], shape).repeat(upTo(15_000, size)).slice(0, 15_000)}`,
        'GET /cookies',
        '',
      ),
  },
  'a precondition': {
    genes: 2,
    request: ([size, shape = 0], cookie) =>
      ask(
        cookie,
        'PUT /session/a',
        '1',
        false,
        `\r\nIf-Match: ${pick(['"a",', '"1" ', ', ,', '  ', 'W/"a" , ', '"'], shape).repeat(upTo(15_000, size)).slice(0, 15_000)}x`,
      ),
  },
  'a query': {
    genes: 2,
    request: ([size, shape = 0], cookie) =>
      ask(
        cookie,
        `GET /session/a?${pick(['&', '=', '+', '%41', '%C3%A9', '%'], shape).repeat(upTo(15_000, size)).slice(0, 14_997)}`,
        '',
      ),
  },
  'many parameters': {
    genes: 1,
    request: ([size], cookie) =>
      ask(
        cookie,
        `GET /session/a?${Array.from({ length: upTo(3_000, size) }, (_, n) => `${n.toString(36)}=`).join('&')}`,
        '',
      ),
  },
  'a default': {
    genes: 3,
    request: ([size, shape = 0, item], cookie) =>
      ask(
        cookie,
        `GET /session/none?default=${encodeURIComponent(value(upTo(4_000, size), shape, item)).slice(0, 14_000)}`,
        '',
      ),
  },
  'a key': {
    genes: 2,
    request: ([size, shape = 0], cookie) =>
      ask(
        cookie,
        `GET /session/${pick(['a', '%41', '%C3%A9', '%', '+'], shape).repeat(upTo(15_000, size)).slice(0, 14_997)}`,
        '',
      ),
  },
}
