import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cookieOf, openServer, type Request, sessionOf } from '../../kit/process/open-server.ts'

const test = suite('session model')

/** What a session is to somebody who knows nothing of how it is kept. */
type Model = { data: Map<string, unknown>; permanent: boolean; version: number; cookie: string }

/** One request, and what it does to the model: answers what the server must answer. */
type Step = {
  readonly line: string
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly apply: (model: Model) => readonly [status: number, value?: unknown]
}

const NAMES = ['a', 'b', 'a/b', '__proto__', 'renew', '🍪']

test('any sequence of requests leaves the session as it leaves a plain model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepOf(), { maxLength: 40 }), async (steps) => {
      const { request } = openServer()
      const model: Model = { data: new Map(), permanent: false, version: 0, cookie: '' }
      for (const step of steps) await runStep(request, model, step)
      if (model.version === 0) {
        assert.is((await request('GET /session')).status, 404)
        return
      }
      const answer = await request('GET /session', { cookie: model.cookie })
      assert.is(answer.headers.get('etag'), `"${model.version}"`)
      const { data, permanent } = await sessionOf(answer)
      assert.equal(new Map(Object.entries(data)), model.data)
      assert.is(permanent, model.permanent)
    }),
    { numRuns: 200 },
  )
})

test.run()

async function runStep(request: Request, model: Model, step: Step): Promise<void> {
  const { line, body, headers = {} } = step
  const ask = { cookie: model.cookie, headers, ...(body === undefined ? {} : { body }) }
  const answer = await request(line, ask)
  const what = `${line} ${body}`
  if (model.version === 0 && !/^(?:PUT|PATCH)/.test(line)) {
    assert.is(answer.status, 404, what)
    return
  }
  const before = textOf(model)
  const [status, value] = step.apply(model)
  assert.is(answer.status, status, what)
  const isChanged = textOf(model) !== before || line === 'POST /session/renew'
  // The first write begins the session, whatever it writes.
  if (status < 300 && !/^(?:GET|HEAD)/.test(line) && (isChanged || model.version === 0)) {
    model.version++
  }
  if (value !== undefined) assert.equal(JSON.parse(await answer.text()), value, what)
  const cookie = cookieOf(answer)
  if (cookie !== '') model.cookie = cookie
}

/** As the session keeps it: what leaves this leaves the version, too. */
function textOf({ data, permanent }: Model): string {
  return JSON.stringify([[...data], permanent])
}

function stepOf(): fc.Arbitrary<Step> {
  const name = fc.constantFrom(...NAMES)
  const key = name.map((text) => [text, `/session/${encodeURIComponent(text)}`] as const)
  const value: fc.Arbitrary<unknown> = fc.oneof(
    fc.nat(99),
    fc.string(),
    fc.constant(null),
    fc.array(fc.nat(9)),
  )

  return fc.oneof(
    fc.tuple(key, value).map(([[k, path], v]): Step => ({
      line: `PUT ${path}`,
      body: JSON.stringify(v),
      apply: ({ data }) => (data.set(k, v), [204]),
    })),
    fc.tuple(key, value).map(([[k, path], v]): Step => ({
      line: `PUT ${path}`,
      body: JSON.stringify(v),
      headers: { 'if-none-match': '*' },
      apply: ({ data }) => (data.has(k) ? [412] : (data.set(k, v), [204])),
    })),
    key.map(([k, path]): Step => ({
      line: `GET ${path}`,
      apply: ({ data }) => (data.has(k) ? [200, data.get(k)] : [404]),
    })),
    key.map(([k, path]): Step => ({
      line: `DELETE ${path}`,
      apply: ({ data }) => {
        const popped = data.get(k)
        return data.delete(k) ? [200, popped] : [404]
      },
    })),
    fc.tuple(key, fc.integer({ min: -99, max: 99 })).map(([[k, path], by]): Step => ({
      line: `PATCH ${path}`,
      body: JSON.stringify({ increment: by }),
      apply: ({ data }) => {
        const old = data.has(k) ? data.get(k) : 0
        if (typeof old !== 'number') return [409]
        data.set(k, old + by)
        return [200, old + by]
      },
    })),
    fc.tuple(key, value).map(([[k, path], item]): Step => ({
      line: `PATCH ${path}`,
      body: JSON.stringify({ append: item }),
      apply: ({ data }) => {
        const old = data.has(k) ? data.get(k) : []
        if (!Array.isArray(old)) return [409]
        data.set(k, [...old, item])
        return [200, [...old, item]]
      },
    })),
    fc.tuple(name, value, fc.option(fc.boolean())).map(([k, v, permanent]): Step => ({
      line: 'PATCH /session',
      body: `{"data":{${JSON.stringify(k)}:${JSON.stringify(v)}}${
        permanent === null ? '' : `,"permanent":${permanent}`
      }}`,
      apply: (model) => {
        if (v === null) model.data.delete(k)
        else model.data.set(k, v)
        model.permanent = permanent ?? model.permanent
        return [200]
      },
    })),
    fc.tuple(name, name).map(([from, to]): Step => ({
      line: 'PATCH /session',
      body: JSON.stringify([{ op: 'move', from: pointer(from), path: pointer(to) }]),
      headers: { 'content-type': 'application/json-patch+json' },
      apply: ({ data }) => {
        if (!data.has(from)) return [422]
        const moved = data.get(from)
        if (from === to) return [200]
        data.delete(from)
        data.set(to, moved)
        return [200]
      },
    })),
    fc.constant<Step>({ line: 'POST /session/clear', apply: ({ data }) => (data.clear(), [204]) }),
    fc.constant<Step>({ line: 'POST /session/renew', apply: () => [204] }),
  )
}

function pointer(key: string): string {
  return `/data/${key.replaceAll('/', '~1')}`
}
