import { BlockList, isIP } from 'node:net'
import { parseHop, unmapped } from './address.ts'
import type { AppContext } from '../app-env.ts'
import { parseForwarded } from './forwarded-header.ts'
import { readHeader } from './request.ts'
import { readToldScheme } from './told-scheme.ts'

/** The client behind the proxies, as far as trusted proxies tell. */
export type Forwarded = {
  /** Whether the browser speaks https to us, itself or through a trusted proxy. */
  isSecure(c: AppContext): boolean
  /**
   * The client's address: the nearest one that is not a trusted proxy's; undefined on a unix
   * socket.
   */
  addressOf(c: AppContext): string | undefined
  /**
   * The address that the request came from, as far as trusted proxies tell: the word of a back end
   * about its client does not count, because a stolen key could write any.
   */
  senderOf(c: AppContext): string | undefined
  /**
   * The hosts that the browser may have asked for; each also with the port that a proxy names
   * apart.
   */
  hostsOf(c: AppContext): readonly string[]
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
  /** The latest peer: a server has few proxies, and the lookup costs more. */
  let known: { readonly peer: string | undefined; readonly isTrusted: boolean } | undefined

  function isTrusted(address: string | undefined): boolean {
    if (address === undefined) return trustedProxies.includes('unix')
    return ranges.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }

  /** A back end with an API key speaks for its clients, listed or not. */
  function isPeerTrusted(c: AppContext): boolean {
    // control: trusted-proxy-only
    if (c.get('backEnd') !== undefined) return true
    return isProxy(c)
  }

  function isProxy(c: AppContext): boolean {
    // The default: skips the lookup.
    if (trustedProxies.length === 0) return false
    const peer = c.env.incoming.socket.remoteAddress
    if (known === undefined || known.peer !== peer) known = { peer, isTrusted: isTrusted(peer) }
    return known.isTrusted
  }

  /** Goes back from the nearest hop while hops are trusted proxies, and readable. */
  function walk(peer: string | undefined, hops: readonly (string | undefined)[]) {
    let address = peer
    for (const hop of hops.toReversed()) {
      const before = hop === undefined ? undefined : parseHop(hop)
      if (before === undefined) break
      address = before
      if (!isTrusted(address)) break
    }
    return address
  }

  function addressTold(c: AppContext, isTold: boolean): string | undefined {
    const peer = peerOf(c)
    if (!isTold) return peer
    const theirs = walk(peer, readHeader(c, 'x-forwarded-for')?.split(',') ?? [])
    const header = readHeader(c, 'forwarded')
    if (header === undefined) return theirs
    const standard = walk(
      peer,
      parseForwarded(header).map((element) => element.get('for')),
    )
    if (standard === peer || standard === theirs) return theirs
    // A proxy writes one of the two, and may pass on the other as its client wrote it. Where they
    // differ neither is believed: a client must not choose its address.
    // control: forwarded-differ
    return theirs === peer ? standard : peer
  }

  return {
    isSecure(c) {
      if (isEncrypted(c)) return true
      return isPeerTrusted(c) && readToldScheme(c) === 'https'
    },

    addressOf: (c) => addressTold(c, isPeerTrusted(c)),
    // control: sender-by-proxies
    senderOf: (c) => addressTold(c, isProxy(c)),

    hostsOf(c) {
      // control: own-port
      const { host } = new URL(c.req.url)
      if (!isPeerTrusted(c)) return [host]
      const told = ['x-forwarded-host', 'x-original-host'].flatMap(
        (header) => readHeader(c, header)?.split(',') ?? [],
      )
      const standard = parseForwarded(readHeader(c, 'forwarded')).flatMap(
        (element) => element.get('host') ?? [],
      )
      const port = readToldPort(c)
      return (
        [...told, ...standard, host]
          .map((text) => text.trim())
          .filter((text) => text !== '')
          // The proxy's port, which the browser need not have asked for: adds a host, replaces
          // none.
          .flatMap((text) =>
            port === undefined || /:\d+$/.test(text) ? text : [text, `${text}:${port}`],
          )
      )
    },
  }
}

/** `X-Forwarded-Port`, for a host without a port; undefined for a scheme's default. */
function readToldPort(c: AppContext): string | undefined {
  const port = readHeader(c, 'x-forwarded-port')?.split(',').at(-1)?.trim()
  return port === undefined || !/^\d{1,5}$/.test(port) || port === '80' || port === '443'
    ? undefined
    : port
}

/** Whether the socket is one of `node:tls`; the URL tells as much, and is expensive to build. */
function isEncrypted(c: AppContext): boolean {
  const { socket } = c.env.incoming
  return 'encrypted' in socket && socket.encrypted === true
}

/** Undefined on a unix socket. */
function peerOf(c: AppContext): string | undefined {
  const { remoteAddress } = c.env.incoming.socket
  return remoteAddress === undefined ? undefined : unmapped(remoteAddress)
}
