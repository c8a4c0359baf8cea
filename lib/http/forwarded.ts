import { BlockList, isIP } from 'node:net'
import type { AppContext } from './app-env.ts'
import { readHeader } from './request-header.ts'

/** What is known of the client behind the proxies: they are believed if they are trusted. */
export type Forwarded = {
  /** Whether the browser speaks https to us, itself or through a trusted proxy. */
  isSecure(c: AppContext): boolean
  /** The client's address: the nearest one that is no trusted proxy's. */
  addressOf(c: AppContext): string | undefined
}

/** `trustedProxies`: addresses, CIDR ranges, or `unix` for peers on a unix socket. */
export function createForwarded(trustedProxies: readonly string[]): Forwarded {
  const ranges = new BlockList()
  for (const proxy of trustedProxies) {
    const [address = '', prefix] = proxy.split('/')
    const family = isIP(address)
    if (family === 0) continue
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix)
    ranges.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }

  function isTrusted(address: string | undefined): boolean {
    // As it comes: to ask the list costs more.
    if (trustedProxies.length === 0) return false
    if (address === undefined) return trustedProxies.includes('unix')
    return ranges.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }

  /** A back end speaks for its own clients; who has an API key need not be listed. */
  function isPeerTrusted(c: AppContext): boolean {
    return c.get('isBackEnd') === true || isTrusted(peerOf(c))
  }

  return {
    isSecure(c) {
      if (isEncrypted(c)) return true
      const forwarded = readHeader(c, 'x-forwarded-proto')
      // Of several words the last is the nearest proxy's, the only one that we trust.
      return forwarded?.split(',').at(-1)?.trim().toLowerCase() === 'https' && isPeerTrusted(c)
    },

    addressOf(c) {
      let address = peerOf(c)
      if (!isPeerTrusted(c)) return address
      // Each proxy adds the address it saw at the end: so far back as proxies are trusted.
      for (const hop of (readHeader(c, 'x-forwarded-for') ?? '').split(',').reverse()) {
        const before = unmapped(hop.trim())
        if (isIP(before) === 0) break
        address = before
        if (!isTrusted(address)) break
      }
      return address
    },
  }
}

/** On a socket of `node:tls`; the URL says the same, and costs its putting together. */
function isEncrypted(c: AppContext): boolean {
  const { socket } = c.env.incoming
  return 'encrypted' in socket && socket.encrypted === true
}

/** Undefined on a unix socket. */
function peerOf(c: AppContext): string | undefined {
  const { remoteAddress } = c.env.incoming.socket
  return remoteAddress === undefined ? undefined : unmapped(remoteAddress)
}

/** An IPv4 address is one, also as a socket that takes both kinds writes it (RFC 4291 section 2.5.5.2). */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
