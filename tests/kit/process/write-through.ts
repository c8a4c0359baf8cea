import { openServer } from './open-server.ts'

export const PLAIN_COOKIE = /^sid=[\w-]{21}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/
export const SECURE_COOKIE =
  /^__Host-Http-sid=[\w-]{21}\.[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/

/** The `Set-Cookie` of a first write that came through a proxy. */
export async function writeThrough(given: {
  readonly trustedProxies: readonly string[]
  readonly peer: string
  readonly headers?: Readonly<Record<string, string>>
  /** `https` where it is not said. */
  readonly proto?: string | undefined
}): Promise<string> {
  const { trustedProxies, peer, headers: others, proto } = { proto: 'https', ...given }
  const { request } = openServer({ trustedProxies })
  const headers = { ...others, ...(proto === undefined ? {} : { 'x-forwarded-proto': proto }) }
  const answer = await request('PUT /session/a', { body: '1', headers, peer })
  return answer.headers.get('set-cookie') ?? ''
}
