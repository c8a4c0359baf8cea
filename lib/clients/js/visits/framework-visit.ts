/** A visit for a middleware, from a client of any kind of data. */
import { askOf } from '../ask.ts'
import type { Client } from '../client.ts'
import type { IncomingRequest, VisitOptions } from './incoming.ts'
import type { SessionData } from '../sessions.ts'
import { createVisit, type Visit } from './visit.ts'

/** `onSetCookies` is told all `Set-Cookie` headers whenever there are new ones. */
export type BeginVisit = <Data extends SessionData>(
  request: IncomingRequest,
  options: VisitOptions,
  onSetCookies?: (headers: readonly string[]) => void,
) => Visit<Data>

export function createBeginVisit(client: Client<never>): BeginVisit {
  const deps = { ask: askOf(client), sessions: client.sessions }
  return (request, options, onSetCookies) => createVisit(deps, request, options, onSetCookies)
}
