/** Addresses as programs write them: in many spellings, with or without a port, as one text each. */
import { isIP, SocketAddress } from 'node:net'

/**
 * The one spelling of an IP address (RFC 5952), IPv4 where it stands in IPv6's clothes (RFC 4291
 * section 2.5.5.2), and without a zone, which is one machine's own name for an interface. Undefined
 * for what is no address.
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

/** An address that the kernel has written: it has one spelling for each but for IPv4 in IPv6. */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

const NODE = /^(?:\[([\da-f:.]+(?:%[^\]]*)?)\]|([\d.]+))(?::(?:\d{0,5}|_[\w.-]+))?$/i

/**
 * The address of a hop in `X-Forwarded-For` or in RFC 7239's `for=`: bare, in brackets or quotes, and
 * with or without a port, as Azure and AWS add it. Undefined for `unknown`, `_hidden` and garbage.
 */
export function parseHop(text: string): string | undefined {
  const bare = text.trim().replace(/^"(.*)"$/, '$1')
  const [, bracketed, dotted] = NODE.exec(bare) ?? []
  return parseAddress(bracketed ?? dotted ?? bare)
}
