/**
 * `/_clock`: for tests of applications, where the server runs with `--test-clock`. It asks for no key, so it
 * takes requests only of programs on this machine, and of pages that come from it.
 */
import type { Handler } from 'hono'
import { CoatcheckError } from '../../base/errors.ts'
import { quoteStart } from '../../base/quote.ts'
import type { TestTime } from '../../service/test-time.ts'
import { renderIsoTime } from '../../session/iso-time.ts'
import { hostNameOf, isPrivateName } from '../access/private-host.ts'
import { refuseCrossOrigin } from '../access/same-origin.ts'
import { answerJson } from '../answer/answer.ts'
import { HttpError } from '../answer/problem.ts'
import { ADVANCE_SECONDS } from '../api-parts.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import type { BodyReader } from '../request/body.ts'
import type { Forwarded } from '../request/forwarded.ts'
import { readHeader } from '../request/request.ts'
import type { Handlers } from './routes.ts'

export type TestClockDeps = {
  /** Undefined on a server without a test clock, which has no routes to these. */
  readonly testTime: TestTime | undefined
  readonly forwarded: Forwarded
  readonly bodies: BodyReader
}

export function createTestClockRoutes(
  deps: TestClockDeps,
): Pick<Handlers, 'getClock' | 'advanceClock'> {
  const { testTime, forwarded, bodies } = deps
  if (testTime === undefined) {
    const notHere: Handler<AppEnv> = (c) => c.notFound()
    return { getClock: notHere, advanceClock: notHere }
  }

  return {
    getClock(c) {
      requireNearby(c)
      return answerJson(200, JSON.stringify({ now: renderIsoTime(testTime.now()) }))
    },

    async advanceClock(c) {
      requireNearby(c)
      refuseCrossOrigin(c, forwarded)
      const seconds = parseAdvance(await bodies.readOptionalJson(c))
      const { ended, removed } = await testTime.advance(seconds * 1_000)
      const now = renderIsoTime(testTime.now())
      return answerJson(200, JSON.stringify({ now, ended, removed }))
    },
  }
}

/** Headers that a proxy adds to a request that it passes on. */
const PROXIED = [
  ...['forwarded', 'via', 'x-real-ip'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
]

/** Refuses what a proxy passes on, from wherever, and a page whose name somebody else gave this address. */
function requireNearby(c: AppContext): void {
  // control: clock-host
  if (!isPrivateName(hostNameOf(c))) {
    throw new HttpError(
      'bad_request',
      'Cannot take this request here: the test clock is for programs on this machine; its Host must be ' +
        'an IP address, localhost, or a name that no public name server has',
    )
  }
  // control: clock-behind-proxy
  const header = PROXIED.find((name) => readHeader(c, name) !== undefined)
  if (header === undefined) return
  throw new HttpError(
    'bad_request',
    'Cannot take this request here: the test clock is for programs on this machine, and the header ' +
      `"${header}" says that a proxy passed it on; ask the address of the server itself`,
  )
}

/** `{"advance":3600}`, in seconds. */
function parseAdvance(body: unknown): number {
  if (body === undefined) throw invalid('there is none')
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw invalid('it is no object')
  }
  const { advance, ...others } = Object.fromEntries(Object.entries(body))
  const [wrong] = Object.keys(others)
  if (wrong !== undefined) throw invalid(`it has ${quoteStart(wrong)}`)
  if (advance === undefined) throw invalid('it is empty')
  if (typeof advance !== 'number') throw invalid('"advance" is no number')
  const { least, most } = ADVANCE_SECONDS
  // control: clock-never-back
  if (Number.isInteger(advance) && advance >= least && advance <= most) return advance
  throw invalid(`"advance" is ${advance}${advance < 0 ? ', and the clock never goes back' : ''}`)
}

function invalid(got: string): CoatcheckError {
  const { least, most } = ADVANCE_SECONDS
  return new CoatcheckError(
    'invalid_argument',
    'Cannot move the clock: the body must say by how many seconds, as in {"advance":3600}, an integer ' +
      `from ${least} to ${most}; ${got}`,
  )
}
