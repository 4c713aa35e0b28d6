import { isIPv6 } from 'node:net'

const GROUPS = 8
/** Of the groups of an IPv6 address, those that name a network. */
const NETWORK_GROUPS = 4

/**
 * Whom a limit for each address counts as one: an IPv4 address, or the network of an IPv6 address, in which everybody
 * has 2^64 addresses to choose from (RFC 4291, 2.5.4).
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':')
    const length = groups.length + after.length + (tail.includes('.') ? 1 : 0)
    groups.push(...Array.from({ length: GROUPS - length }, () => '0'), ...after)
  }
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`
}
