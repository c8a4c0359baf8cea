import { CoatcheckError, type ErrorCode } from '../../../lib/base/errors.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { openClient } from '../clients/http-client.ts'
import type { LoadedStore, Opened } from './load.ts'

/** What a running server does to sessions, as its store would do it. */
export function openRemote(url: string, key: string): Opened & { close(): void } {
  const client = openClient(url)

  async function ask(line: string, body = '', headers: Readonly<Record<string, string>> = {}) {
    // A server closes a connection that was idle for long, and what is sent just then is not answered.
    const answer = await client.ask(line, { key, body, headers }).catch((error: unknown) => {
      throw new CoatcheckError('outcome_unknown', String(error))
    })
    if (answer.status !== 503) return answer
    const { code, detail } = JSON.parse(answer.body) as { code: ErrorCode; detail: string }
    throw new CoatcheckError(code, detail)
  }

  const store: LoadedStore = {
    async find(id) {
      const { status, body } = await ask(`GET /sessions/${id}?touch=false`)
      if (status === 404) return { state: 'absent' }
      if (status === 410) return { state: 'ended' }
      if (status !== 200) throw new Error(`The session ${id} was answered ${status}: ${body}`)
      const { data } = JSON.parse(body) as { data: object }
      return { state: 'live', session: { data: JSON.stringify(data) } }
    },
    async insert({ id }) {
      const { status } = await ask(`PUT /sessions/${id}`, '{}', { 'if-none-match': '*' })
      return { inserted: status === 201 }
    },
    async change(id, _, { key, by }) {
      const { status } = await ask(`PATCH /sessions/${id}/${key}`, `{"increment":${by}}`)
      return { state: stateOf(status) }
    },
    async end(id) {
      const { status } = await ask(`DELETE /sessions/${id}`)
      return { state: stateOf(status) }
    },
  }
  return { store, clock: systemClock, close: client.close }
}

function stateOf(status: number): string {
  const states: Readonly<Record<number, string>> = { 404: 'absent', 410: 'ended' }
  return status < 300 ? 'live' : (states[status] ?? `answered ${status}`)
}
