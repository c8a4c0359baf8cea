import { openConnection } from '../../../kit/clients/raw-http.ts'
import { type SessionClient, shownState, type State } from '../clients/session-client.ts'

/**
 * Asks the server for the sessions of these clients, each with its cookie, and says what is not as
 * it must be: what was acknowledged is there, and what is in doubt is as before or as after. That
 * doubt is then settled. `isAsked` leaves some out.
 */
export async function readBack(
  url: string,
  clients: readonly SessionClient[],
  isAsked: (id: string, state: State) => boolean = () => true,
): Promise<{ readonly violations: string[]; readonly read: number }> {
  const violations: string[] = []
  let read = 0
  await Promise.all(
    clients.map(async ({ known, doubtful, cookies, settle }) => {
      const connection = openConnection(url)
      const shown = async (id: string): Promise<State> => {
        read++
        const cookie = cookies.get(id) ?? ''
        const answer = await connection.ask('GET /session?touch=false', { cookie })
        return answer === undefined ? 'no answer' : shownState(answer)
      }
      for (const [id, state] of known) {
        const found = isAsked(id, state) ? await shown(id) : state
        if (found !== state) violations.push(`${id} is ${short(found)}, must be ${short(state)}`)
      }
      for (const [id, either] of [...doubtful]) {
        const found = await shown(id)
        settle(id, found)
        if (either.includes(found)) continue
        violations.push(`${id} is ${short(found)}, must be ${either.map(short).join(' or ')}`)
      }
      connection.close()
    }),
  )
  return { violations, read }
}

/** A state as it stands in a message. */
export function short(state: State): string {
  return state.length > 100 ? `${state.slice(0, 100)}…` : state
}
