import type { AppContext } from '../app-env.ts'

/**
 * A header of the request, its name in lower case. Node has them parsed already; the web's `Headers`
 * would check the name and look again, which costs too much ten times a request.
 */
export function readHeader(c: AppContext, name: string): string | undefined {
  const value = c.env.incoming.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
