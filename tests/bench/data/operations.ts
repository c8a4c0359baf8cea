/** What is measured: the requests of each operation, and how to tell that one was really done. */
import { ask, findHeader, type HttpAnswer, type HttpRequest, isSuccess } from '../load/http-request.ts'
import { type SessionApi, USER } from './session-api.ts'

export type OperationName = 'get' | 'put' | 'create' | 'verify'

export type Operation = {
  readonly name: OperationName
  readonly title: string
  /** The requests of a round, in the order to send them, over and over. */
  readonly requests: (
    api: SessionApi,
    sessions: readonly string[],
    round: number,
  ) => readonly HttpRequest[]
  /** Sends one request and says what is wrong with what it did; undefined where nothing is. */
  readonly findFault: (
    port: number,
    api: SessionApi,
    session: string,
  ) => Promise<string | undefined>
}

export const operations: readonly Operation[] = [
  {
    name: 'get',
    title: 'GET /session/user',
    requests: (api, sessions) => sessions.map((session) => api.get(session)),
    findFault: (port, api, session) => findFaultOfRead(port, api.get(session), USER),
  },
  {
    name: 'put',
    title: 'PUT /session/user',
    requests: (api, sessions, round) =>
      usersOf(round).flatMap((user) => sessions.map((session) => api.put(session, user))),
    async findFault(port, api, session) {
      const answer = await askOne(port, api.put(session, 'grace'))
      if (!isSuccess(answer)) return describe(answer)
      return await findFaultOfRead(port, api.get(session), 'grace')
    },
  },
  {
    name: 'create',
    title: 'create (PUT, no cookie)',
    requests: (api, _sessions, round) => usersOf(round).flatMap((user) => api.create?.(user) ?? []),
    async findFault(port, api) {
      const asked = api.create?.('grace')
      if (asked === undefined) return 'there is no such request'
      const answer = await askOne(port, asked)
      const session = api.readSession(answer, asked)
      if (!isSuccess(answer) || session === undefined) return describe(answer)
      return await findFaultOfRead(port, api.get(session), 'grace')
    },
  },
  {
    name: 'verify',
    title: 'GET /verify',
    requests: (api, sessions) => sessions.flatMap((session) => api.verify?.(session) ?? []),
    async findFault(port, api, session) {
      const asked = api.verify?.(session)
      return asked === undefined ? 'there is no such request' : findFaultOfRead(port, asked, USER)
    },
  },
]

/** Whether a contender's API has the operation. */
export function offers(api: SessionApi, name: OperationName): boolean {
  return api[name] !== undefined
}

export async function askOne(port: number, request: HttpRequest): Promise<HttpAnswer> {
  // As the load does: the headers of the answer say that the connection stays open.
  const [answer] = await ask(port, [request], { keepAlive: true })
  if (answer === undefined) throw new Error('There is no answer')
  return answer
}

/**
 * Values of one length. Frameworks write a session only where it changed, so a request never finds
 * the value that it brings: not from the pass before, and not from another round.
 */
function usersOf(round: number): readonly string[] {
  return ['a', 'b'].map((pass) => `${USER}-${String(round).padStart(3, '0')}${pass}`)
}

async function findFaultOfRead(
  port: number,
  request: HttpRequest,
  user: string,
): Promise<string | undefined> {
  const answer = await askOne(port, request)
  return isSuccess(answer) && answer.body.includes(user) ? undefined : describe(answer)
}

function describe(answer: HttpAnswer): string {
  const cookie = findHeader(answer, 'set-cookie') === undefined ? 'no cookie' : 'a cookie'
  return `it answered ${answer.status} with ${cookie} and "${answer.body.slice(0, 200)}"`
}
