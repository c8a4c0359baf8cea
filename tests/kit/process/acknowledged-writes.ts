import type { RunningServer } from './spawn-server.ts'

/** What was acknowledged: the cookie of each session, and the value in it. */
export type Acknowledged = ReadonlyMap<string, string>

/** Puts one value each into so many new sessions. */
export async function writeSessions(server: RunningServer, count: number): Promise<Acknowledged> {
  const acknowledged = new Map<string, string>()
  const headers = { 'content-type': 'application/json' }
  for (let n = 0; n < count; n++) {
    const value = `"value ${n}"`
    const answer = await fetch(`${server.url}/session/k`, { method: 'PUT', body: value, headers })
    const cookie = answer.headers.get('set-cookie')?.split(';', 1)[0]
    if (answer.status !== 204 || cookie === undefined) throw new Error(`It is ${answer.status}`)
    acknowledged.set(cookie, value)
  }
  return acknowledged
}

/** What the server does not have of it. */
export async function findMissing(
  server: RunningServer,
  acknowledged: Acknowledged,
): Promise<string[]> {
  const missing = []
  for (const [cookie, value] of acknowledged) {
    const answer = await fetch(`${server.url}/session/k`, { headers: { cookie } })
    const found = await answer.text()
    if (found !== `${value}\n`) missing.push(`${value}: ${answer.status} ${found}`)
  }
  return missing
}
