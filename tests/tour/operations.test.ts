/** The table of the tour against the server: what is sent, what comes back, which cookies are set. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readFields, readInitial } from '../../lib/tour/browser/tutorial/fields.ts'
import {
  type Answer,
  type Given,
  OPERATIONS,
  type Operation,
} from '../../lib/tour/browser/tutorial/operations.ts'
import { bringsTicket, readSession, type State, ticketSet } from '../../lib/tour/browser/state.ts'
import { openServer, type Request } from '../kit/process/open-server.ts'

const test = suite('tour: operations')

/** What parsers trip over. */
const TEXTS = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '...',
    '你好',
    '\ud83d\ude00',
    '\u0000',
    'a\r\nb',
    '\t',
    '\u2028',
    '\ufeffx',
  ],
  ...[
    '"quoted"',
    '"half',
    'a;b, c=d\\e',
    '100%',
    '%41',
    '%zz',
    '+',
    "it's",
    '<script>',
    '--',
    '=x',
  ],
  ...[
    'a/b',
    '?',
    '#',
    '&a=b',
    '__proto__',
    'constructor',
    '_flashes',
    'renew',
    '[]',
    '{}',
    'é'.repeat(90),
  ],
]

test('every operation with what is in its fields at first, in their order', async () => {
  const visitor = createVisitor()
  const returned: string[] = []
  for (const operation of OPERATIONS) {
    const { answer } = await visitor.run(operation)
    returned.push(
      `${operation.id} ${answer.status} ${operation.returns(answer, readInitial(operation)) ?? ''}`.trim(),
    )
  }
  assert.equal(returned, [
    'setCookie 204',
    'setCookieUntil 204',
    'setHiddenCookie 204',
    "getCookie 200 'dark'",
    "allCookies 200 {'theme': 'dark', 'offer': 'tea', 'pass': 'k3y'}",
    'deleteCookie 204',
    'set 204',
    "get 200 'ada'",
    "getDefault 200 'red'",
    'has 200 True',
    'increment 200 1',
    'update 200',
    'setDefault 412',
    "all 200 {'user': 'ada', 'visits': 1, 'cart': ['tea', 'jam'], 'lang': 'en'}",
    "pop 200 'ada'",
    'popDefault 200 None',
    'clear 204',
    'permanent 200',
    'touch 200 {}',
    'look 200 {}',
    'flash 200',
    "flashed 200 [('info', 'Saved.')]",
    'renew 204',
    'logOut 204',
  ])
})

test('without a session Flask would see an empty one', async () => {
  const visitor = createVisitor()
  const returned: string[] = []
  for (const id of [
    'get',
    'has',
    'all',
    'pop',
    'popDefault',
    'flashed',
    'getCookie',
    'allCookies',
  ]) {
    const operation = operationOf(id)
    const { answer } = await visitor.run(operation)
    returned.push(`${id} ${operation.returns(answer, readInitial(operation))}`)
  }
  assert.equal(returned, [
    'get None',
    'has False',
    'all {}',
    "pop KeyError: 'user'",
    'popDefault None',
    'flashed []',
    'getCookie None',
    'allCookies {}',
  ])
})

test('the page tells every Set-Cookie as the server wrote it', async () => {
  const visitor = createVisitor()
  // Some twice: a ticket is sent when something about it changes, and no more.
  for (const id of [
    ...OPERATIONS.map(({ id }) => id),
    ...['set', 'set', 'permanent', 'permanent', 'renew', 'logOut', 'logOut', 'permanent', 'renew'],
  ]) {
    const { sent, told } = await visitor.run(operationOf(id))
    assert.equal(told, sent, id)
  }
})

test('a cookie of any text is told as the server wrote it', async () => {
  const visitor = createVisitor()
  const holds = async (value: string): Promise<void> => {
    const { answer, sent, told } = await visitor.run(operationOf('setCookie'), { value })
    assert.is(answer.status, 204, value)
    assert.equal(told, sent, value)
  }
  for (const value of TEXTS) await holds(value)
})

test('a key of any text is that key', async () => {
  const visitor = createVisitor()
  const holds = async (key: string): Promise<void> => {
    if (key === '' || key === '.' || key === '..') return
    const { answer } = await visitor.run(operationOf('set'), { key, value: '1' })
    assert.is(answer.status, 204, key)
    assert.is((await visitor.run(operationOf('pop'), { key })).answer.body, '1', key)
  }
  for (const key of TEXTS) await holds(key)
})

test('a field with what it cannot hold says so, and nothing is sent', () => {
  const faultsOf = (id: string, typed: Record<string, string>) => {
    const operation = operationOf(id)
    const filled = readFields(
      operation,
      (name) => typed[name] ?? operation.fields[name]?.initial ?? '',
    )
    return 'faults' in filled ? [...filled.faults].map((one) => one.join(' ')) : []
  }
  assert.equal(faultsOf('set', { key: '' }), ['key fault.empty'])
  assert.equal(faultsOf('set', { key: '..' }), ['key fault.dots'])
  assert.equal(faultsOf('set', { key: '', value: 'ada' }), ['key fault.empty', 'value fault.value'])
  for (const value of ['ada', "'ada", '1, 2', '{1: 2}', 'print()', '', '[1', "'a' 'b'", 'f"x"']) {
    assert.equal(faultsOf('set', { value }), ['value fault.value'], value)
  }
  for (const values of ["'ada'", '[1]', '{', 'None', '{1: 2}']) {
    assert.equal(faultsOf('update', { values }), ['values fault.dict'], values)
  }
  for (const by of ['one', "'1'", '', 'True', '[1]']) {
    assert.equal(faultsOf('increment', { by }), ['by fault.number'], by)
  }
  for (const maxAge of ['1.5', 'x', '1e9', '1234567890']) {
    assert.equal(faultsOf('setCookie', { maxAge }), ['maxAge fault.integer'], maxAge)
  }
  assert.equal(faultsOf('setCookie', { maxAge: '' }), [])
  assert.equal(faultsOf('setCookie', { maxAge: '-1' }), [])
  assert.equal(faultsOf('setCookieUntil', { minutes: '' }), ['minutes fault.integer'])
})

test.run()

function operationOf(id: string): Operation {
  const found = OPERATIONS.find((operation) => operation.id === id)
  if (found === undefined) throw new Error(`The tour has no ${id}`)
  return found
}

type Run = {
  readonly answer: Answer
  /** `Set-Cookie` with secrets made unreadable, as in the page. */
  readonly sent: readonly string[]
  readonly told: readonly string[]
}

/** Somebody with a browser: sends what the page sends, with the cookies that it was given. */
function createVisitor() {
  const { request, clock } = openServer()
  const jar = new Map<string, string>()
  const attributes = 'Path=/; HttpOnly; SameSite=Lax'

  async function run(operation: Operation, typed: Record<string, string> = {}): Promise<Run> {
    const given = givenOf(operation, typed)
    const { method, path, headers = {}, body } = operation.ask(given, clock.now())
    const before = await look()
    const response = await request(`${method} ${path}`, {
      headers: { ...headers, cookie: header() },
      ...(body === undefined ? {} : { body }),
    })
    const answer = { status: response.status, body: await response.text() }
    const set = response.headers.getSetCookie()
    for (const line of set) keep(line)
    const after = await look()
    const told = [
      response.ok ? operation.setsCookie(given, clock.now()) : undefined,
      ticketSet(before, after, { name: 'sid', attributes }, clock.now()),
    ]
    return {
      answer,
      sent: set.map((line) => line.replace(/^(sid=[\w-]+\.)[\w-]+/, '$1•••')),
      told: told.filter((line) => line !== undefined),
    }
  }

  async function look(): Promise<State> {
    const response = await lookWith(request)
    const answer = { status: response.status, body: await response.text() }
    return {
      session: readSession(answer, response.headers.get('etag')),
      aheadMs: 0,
      hasTicket: bringsTicket(answer),
      cookies: [],
    }
  }

  const lookWith = (ask: Request) =>
    ask('GET /session?touch=false', { headers: { cookie: header() } })
  const header = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')

  function keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
    if (/; Max-Age=0/.test(line)) jar.delete(name)
    else jar.set(name, value)
  }

  return { run }
}

function givenOf(operation: Operation, typed: Record<string, string>): Given {
  const filled = readFields(
    operation,
    (name) => typed[name] ?? operation.fields[name]?.initial ?? '',
  )
  if ('faults' in filled) throw new Error(`Not to be typed: ${JSON.stringify(typed)}`)
  return filled.given
}
