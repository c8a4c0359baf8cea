/** IP addresses: one spelling of each, and the network that a client is counted by. */
import { isIP, isIPv6, SocketAddress } from 'node:net'

/**
 * The canonical text of an IP address (RFC 5952): IPv4 for an IPv4-mapped one (RFC 4291 section
 * 2.5.5.2), without a zone. Undefined for anything else.
 */
function parseAddress(text: string): string | undefined {
  const zone = text.indexOf('%')
  const address = zone === -1 ? text : text.slice(0, zone)
  switch (isIP(address)) {
    case 4:
      return address
    case 6:
      return unmapped(new SocketAddress({ address, family: 'ipv6' }).address)
    default:
      return undefined
  }
}

/** The canonical text of an address that the kernel wrote: only an IPv4-mapped one differs. */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

const NODE = /^(?:\[([\da-f:.]+(?:%[^\]]*)?)\]|([\d.]+))(?::(?:\d{0,5}|_[\w.-]+))?$/i

/**
 * The address of a hop in `X-Forwarded-For` or in RFC 7239's `for=`: bare, in brackets or in
 * quotes, with or without a port (Azure and AWS add one). Undefined for `unknown`, `_hidden` and
 * anything malformed.
 */
export function parseHop(text: string): string | undefined {
  const bare = text.trim().replace(/^"(.*)"$/, '$1')
  const [, bracketed, dotted] = NODE.exec(bare) ?? []
  return parseAddress(bracketed ?? dotted ?? bare)
}

/**
 * The client that limits count: an IPv4 address, the /64 of an IPv6 address, all of which one
 * subscriber has (RFC 6177), or `unix` for every peer on a unix socket.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unix'
  if (!isIPv6(address)) return address
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::')
  const first = head.split(':').filter((group) => group !== '')
  const last = tail?.split(':').filter((group) => group !== '') ?? []
  // An IPv4 address at its end takes two groups.
  const length = first.length + last.length + (address.includes('.') ? 1 : 0)
  const groups = [...first, ...Array<string>(8 - length).fill('0'), ...last]
  return `${groups
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
