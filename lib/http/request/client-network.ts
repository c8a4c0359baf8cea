import { isIPv6 } from 'node:net'

/**
 * Whom an address stands for when failures or sessions are counted: an IPv4 address for itself, an
 * IPv6 address for its /64, of which one subscriber has all addresses (RFC 6177), a peer on a unix
 * socket for all of them.
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
