/**
 * Whose page a request may come from, by its `Host`: a name that somebody else's name server could give
 * our address to makes a page from there one of our origin (DNS rebinding).
 */
import { isIP } from 'node:net'
import type { AppContext } from '../app-env.ts'
import { readHeader } from '../request/request.ts'

/** The name in the `Host`, in lower case, without its port and the dot of the root. */
export function hostNameOf(c: AppContext): string {
  const host = readHeader(c, 'host') ?? ''
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
}

/**
 * Whether no public name server has the name. RFC 6761 (`localhost`), RFC 6762 (`local`), and `internal`,
 * which ICANN has reserved. No page comes from an address that is not its own, and programs alone send no
 * host.
 */
export function isPrivateName(name: string): boolean {
  return (
    name.startsWith('[') ||
    isIP(name) === 4 ||
    !name.includes('.') ||
    /\.(localhost|local|internal)$/.test(name)
  )
}
