import * as assert from 'uvu/assert'
import type { RunningServer } from './spawn-server.ts'

/** Puts a value into a new session and returns its cookie. */
export async function put(server: RunningServer, path: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${server.url}${path}`, { method: 'PUT', body, headers })
  assert.is(answer.status, 204)
  return answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
}

/** Stops the server, which must end cleanly. */
export async function stop(server: RunningServer): Promise<void> {
  server.kill('SIGTERM')
  assert.is((await server.ended).code, 0)
}
