import { BlockList, isIP } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether a host is this machine alone: an address, with or without brackets, or localhost (RFC 6761). */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(bare) === 0) return /(^|\.)localhost$/.test(bare)
  return LOOPBACK.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4')
}
