import { isIPv4, isIPv6 } from 'node:net'

const GROUPS = 8

/**
 * Returns the network that a per-address limit counts as one client: an IPv4 address, or the /64 of an IPv6 address,
 * since one client can use all 2^64 addresses of a /64 (RFC 4291, 2.5.4).
 * @param address an IP address, or any other text, which is returned unchanged
 */
export function networkOf(address: string): string {
  return networksOf(address)[0]
}

/**
 * Returns the networks of an address, narrowest first: the /64, /56 (one household) and /48 (one site) of an IPv6
 * address (RFC 6177); an IPv4 address and its /24. Text that is not an IP address is returned as one network.
 * @param address an IP address, or any other text
 */
export function networksOf(address: string): [narrowest: string, ...wider: string[]] {
  if (isIPv4(address)) return [address, `${address.slice(0, address.lastIndexOf('.'))}.0/24`]
  if (!isIPv6(address)) return [address]
  const [a, b, c, d] = groupsOf(address)
  const site = `${a}:${b}:${c}`
  const household = (Number.parseInt(d, 16) & 0xff00).toString(16)
  return [`${site}:${d}::/64`, `${site}:${household}::/56`, `${site}::/48`]
}

/**
 * Returns the networks in which a client may choose its address: those of `networksOf` for an IPv6 address, since a
 * household or site can use each of its /64 networks, and the address itself for IPv4.
 */
export function ownNetworksOf(address: string): [own: string, ...wider: string[]] {
  return isIPv6(address) ? networksOf(address) : [address]
}

/** Returns the first four groups of an IPv6 address, in hexadecimal. */
function groupsOf(address: string): [string, string, string, string] {
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':')
    const length = groups.length + after.length + (tail.includes('.') ? 1 : 0)
    groups.push(...Array.from({ length: GROUPS - length }, () => '0'), ...after)
  }
  const [a = '0', b = '0', c = '0', d = '0'] = groups
  return [a, b, c, d]
}
