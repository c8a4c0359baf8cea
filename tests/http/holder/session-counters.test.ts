import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('counters and lists')

test('PATCH /session/KEY refuses a body that is not one of its three members', async () => {
  const { ask } = await openSession({ n: 1 })
  for (const body of [
    ...['{}', '[]', 'null', '1', '"increment"', '{"decrement":1}', '{"__proto__":1}'],
    ...['{"Increment":1}', '{"increment":1,"append":1}', '{"append":1,"x":1}'],
    '{"merge":{},"increment":1}',
  ]) {
    assert.is(await refusalOf(await ask('PATCH /session/n', body)), '422 invalid_argument', body)
  }
  const { detail } = await problemOf(await ask('PATCH /session/n', '{"decrement":1}'))
  assert.match(detail, 'as in {"increment":1}')
  assert.is(await refusalOf(await ask('PATCH /session/n', '{increment:1}')), '400 invalid_json')
  assert.is(await (await ask('GET /session/n')).text(), '1')
})

test('PATCH /session/KEY refuses an operand of the wrong JSON type', async () => {
  const { ask } = await openSession({ n: 1 })
  for (const operand of ['"1"', 'null', 'true', '[1]', '{}']) {
    const answer = await ask('PATCH /session/n', `{"increment":${operand}}`)
    assert.is(await refusalOf(answer), '422 invalid_argument', operand)
  }
  for (const operand of ['"a"', 'null', 'true', '[1]', '1']) {
    const answer = await ask('PATCH /session/n', `{"merge":${operand}}`)
    assert.is(await refusalOf(answer), '422 invalid_argument', operand)
  }
})

test('increment and append refuse a value of another type, name both and keep it', async () => {
  const values = { text: 'ada', list: [1], map: { a: 1 }, yes: true, n: 1 }
  const { ask } = await openSession(values)
  await ask('PUT /session/none', 'null')
  for (const key of ['text', 'list', 'map', 'yes', 'none']) {
    const answer = await ask(`PATCH /session/${key}`, '{"increment":1}')
    assert.is(await refusalOf(answer), '409 wrong_type', key)
  }
  for (const key of ['text', 'map', 'yes', 'none', 'n']) {
    const answer = await ask(`PATCH /session/${key}`, '{"append":1}')
    assert.is(await refusalOf(answer), '409 wrong_type', key)
  }
  const { detail } = await problemOf(await ask('PATCH /session/text', '{"increment":1}'))
  assert.is(
    detail,
    'Cannot increment "text": its value must be a JSON number, it is of type string',
  )
  const session = await ask('GET /session')
  assert.is(session.headers.get('etag'), '"2"')
  assert.match(await session.text(), JSON.stringify(values).slice(0, -1))
})

test('increment refuses numbers of more than 400 digits and keeps the value', async () => {
  const { ask } = await openSession({})
  for (const [value, by] of [
    ['1e400', '1'],
    ['1', '1e999999999'],
    ['1e-400', '1'],
    ['9'.repeat(400), '1'],
  ]) {
    await ask('PUT /session/n', value)
    const answer = await ask('PATCH /session/n', `{"increment":${by}}`)
    assert.is(await refusalOf(answer), '422 number_too_large')
    assert.is(await (await ask('GET /session/n')).text(), value)
  }
})

test('increment starts a missing key at 0, append at [] and merge at {}', async () => {
  const { ask } = await openSession({})
  assert.is(await (await ask('PATCH /session/a', '{"increment":5}')).text(), '5')
  assert.is(await (await ask('PATCH /session/b', '{"append":"x"}')).text(), '["x"]')
  assert.is(await (await ask('PATCH /session/c', '{"merge":{"x":1,"y":null}}')).text(), '{"x":1}')
  assert.is(await (await ask('PATCH /session/__proto__', '{"increment":1}')).text(), '1')
})

test('a first increment creates the session and sets its cookie', async () => {
  const { request } = openServer()
  const first = await request('PATCH /session/hits', { body: '{"increment":1}' })
  assert.equal([first.status, await first.text()], [200, '1'])
  const cookie = cookieOf(first)
  const second = await request('PATCH /session/hits', { cookie, body: '{"increment":1}' })
  assert.equal([await second.text(), cookieOf(second)], ['2', ''])
})

test('increment is exact on decimals and on integers past 53 and 64 bits', async () => {
  for (const [value, by, sum] of [
    ['0.1', '0.2', '0.3'],
    ['1.0', '1', '2.0'],
    ['9007199254740993', '1', '9007199254740994'],
    ['18446744073709551615', '1', '18446744073709551616'],
    ['12345678901234567890', '-1', '12345678901234567889'],
    [' 1 ', ' 2 ', '3'],
    ['1e2', '0.5', '100.5'],
    ['1', '-1', '0'],
    ['0.3', '-0.3', '0.0'],
  ] as const) {
    const { ask } = await openSession({})
    await ask('PUT /session/n', value)
    const answer = await ask('PATCH /session/n', `{"increment":${by}}`)
    assert.equal([answer.status, await answer.text()], [200, sum], `${value} + ${by}`)
    assert.is(await (await ask('GET /session/n')).text(), sum)
  }
})

test('append adds any value at the end and keeps the bytes of the others', async () => {
  const { ask } = await openSession({})
  await ask('PUT /session/list', '[ 1.0 , 12345678901234567890 ]')
  const answer = await ask('PATCH /session/list', '{"append": {"b":1,"a":[2]} }')
  assert.is(await answer.text(), '[ 1.0 , 12345678901234567890 ,{"b":1,"a":[2]}]')
  const list = await ask('PATCH /session/list', '{"append":[null]}')
  assert.is(await list.text(), '[ 1.0 , 12345678901234567890 ,{"b":1,"a":[2]},[null]]')
  await ask('PUT /session/list', '[ ]')
  assert.is(await (await ask('PATCH /session/list', '{"append":"a"}')).text(), '["a"]')
})

test('merge follows RFC 7396: members merge, null removes, no object is replaced by one', async () => {
  const { ask } = await openSession({})
  await ask('PUT /session/cart', '{"z":1.0,"a":{"x":1,"y":2},"gone":1}')
  const answer = await ask(
    'PATCH /session/cart',
    '{"merge":{"a":{"y":null,"w":1e400},"gone":null,"new":[1,null],"__proto__":{"p":1}}}',
  )
  const text = '{"z":1.0,"a":{"x":1,"w":1e400},"new":[1,null],"__proto__":{"p":1}}'
  assert.equal([answer.status, await answer.text()], [200, text])
  assert.is(await (await ask('GET /session/cart')).text(), text)

  await ask('PUT /session/cart', '"text"')
  assert.is(await (await ask('PATCH /session/cart', '{"merge":{"a":1}}')).text(), '{"a":1}')
})

test('a new value is bare where the caller accepts text/plain', async () => {
  const { request } = openServer()
  const headers = { accept: 'text/plain' }
  const answer = await request('PATCH /session/n', { headers, body: '{"increment":1}' })
  assert.match(answer.headers.get('content-type') ?? '', 'text/plain')
  assert.is(await answer.text(), '1')
})

test('of many increments, appends and new keys at once none is lost', async () => {
  const { ask } = await openSession({})
  const each = <T>(make: (n: number) => T) => Array.from({ length: 50 }, (_, n) => make(n))
  await Promise.all([
    ...each(() => ask('PATCH /session/hits', '{"increment":1}')),
    ...each((n) => ask('PATCH /session/list', `{"append":${n}}`)),
    ...each((n) => ask('PATCH /session/map', `{"merge":{"k${n}":${n}}}`)),
    ...each((n) => ask(`PUT /session/key${n}`, String(n))),
  ])
  assert.is(await (await ask('GET /session/hits')).text(), '50')
  assert.is(new Set(JSON.parse(await (await ask('GET /session/list')).text())).size, 50)
  assert.is(Object.keys(JSON.parse(await (await ask('GET /session/map')).text())).length, 50)
  for (let n = 0; n < 50; n++) assert.is((await ask(`HEAD /session/key${n}`)).status, 200)
})

test.run()

async function openSession(data: object) {
  const { request } = openServer()
  const cookie = await signIn(request, data)
  return {
    ask: (line: string, body?: string) =>
      request(line, body === undefined ? { cookie } : { cookie, body }),
  }
}
