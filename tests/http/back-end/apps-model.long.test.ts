/**
 * Nothing of one app reaches another: whatever the back ends of several apps do on one server, each is
 * answered as on a server of its own.
 */
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AppName, openApps } from '../../kit/clients/apps.ts'
import { type ListBody, openBackEnd } from '../../kit/clients/back-end.ts'
import type { Request } from '../../kit/process/open-server.ts'

const test = suite('apps against a server of its own')

const LIMITS = { maxSessionsPerSub: 2, idleTimeoutMs: 60_000, keepEndedMs: 120_000 }
const APPS = ['shop', 'shop-b', 's'] as const satisfies AppName[]

type Step =
  | { readonly app: (typeof APPS)[number]; readonly line: string; readonly body?: string }
  | { readonly passMs: number }

const id = fc.nat(3).map((n) => `an-id-of-each-app-${n}`)
const sub = fc.constantFrom('ada', 'eve')
const claims = sub.map((name) => JSON.stringify({ claims: { sub: name } }))
const line = (text: fc.Arbitrary<string>) =>
  fc.record({ app: fc.constantFrom(...APPS), line: text })
const withBody = (text: fc.Arbitrary<string>, body: fc.Arbitrary<string>) =>
  fc.record({ app: fc.constantFrom(...APPS), line: text, body })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: withBody(
      id.map((one) => `PUT /sessions/${one}`),
      claims,
    ),
  },
  {
    weight: 2,
    arbitrary: withBody(
      id.map((one) => `PATCH /sessions/${one}`),
      claims,
    ),
  },
  {
    weight: 2,
    arbitrary: withBody(
      id.map((one) => `PUT /sessions/${one}/k`),
      fc.constant('1'),
    ),
  },
  { weight: 2, arbitrary: line(id.map((one) => `GET /sessions/${one}`)) },
  { weight: 2, arbitrary: line(id.map((one) => `DELETE /sessions/${one}`)) },
  { weight: 1, arbitrary: line(id.map((one) => `POST /sessions/${one}/clear`)) },
  { weight: 1, arbitrary: line(sub.map((name) => `DELETE /sessions?sub=${name}`)) },
  {
    weight: 1,
    arbitrary: line(fc.tuple(sub, id).map(([s, one]) => `DELETE /sessions?sub=${s}&except=${one}`)),
  },
  { weight: 1, arbitrary: line(fc.constant('DELETE /sessions?all=true')) },
  { weight: 1, arbitrary: line(id.map((one) => `DELETE /sessions?all=true&except=${one}`)) },
  { weight: 2, arbitrary: line(sub.map((name) => `GET /sessions?count=true&sub=${name}`)) },
  { weight: 1, arbitrary: fc.constantFrom(1_000, 59_000, 61_000).map((passMs) => ({ passMs })) },
)

test('each app is answered as if it were alone, in any history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const shared = await openApps(LIMITS)
      const alone = new Map(APPS.map((app) => [app, openBackEnd(LIMITS)]))
      for (const one of steps) {
        if ('passMs' in one) {
          for (const { clock, store } of [shared, ...alone.values()]) {
            clock.advance(one.passMs)
            await store.sweep(clock.now())
          }
          continue
        }
        const more = 'body' in one ? { body: one.body } : {}
        const own = alone.get(one.app)
        assert.ok(own)
        const answers = [shared.of(one.app).ask, own.ask].map(async (ask) =>
          shownOf(await ask(one.line, more)),
        )
        const [together, single] = await Promise.all(answers)
        assert.equal(together, single, `${one.app}: ${one.line}`)
      }
      for (const app of APPS) {
        const own = alone.get(app)
        assert.ok(own)
        assert.equal(await listAll(shared.of(app).ask), await listAll(own.ask), app)
      }
    }),
    { numRuns: 100 },
  )
})

test('a list of none is empty', async () => {
  const { of } = await openApps(LIMITS)
  for (const app of APPS) assert.equal(await listAll(of(app).ask), [])
})

async function shownOf(answer: Response): Promise<unknown> {
  const { headers, status } = answer
  return [status, headers.get('etag'), headers.get('location'), await answer.text()]
}

/** All pages, without their cursors, which count rows of all apps. */
async function listAll(ask: Request): Promise<unknown[]> {
  const sessions: unknown[] = []
  for (let after = ''; ;) {
    const page: ListBody = JSON.parse(await (await ask(`GET /sessions?limit=2${after}`)).text())
    sessions.push(...page.sessions)
    if (page.next === null) return sessions
    after = `&after=${page.next}`
  }
}

test.run()
