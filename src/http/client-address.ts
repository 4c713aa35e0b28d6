import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import { header } from './header.ts'
import { TrustedProxies } from './trusted-proxies.ts'

/** Headers in which a proxy tells for whom it asks, in lower case. */
export const FORWARDED_HEADERS = ['x-forwarded-for', 'forwarded'] as const
export type ForwardedHeader = (typeof FORWARDED_HEADERS)[number]

/** Of whom nothing is known: where the application is embedded there may be no socket of Node's. */
const UNKNOWN = 'unknown'
/** An IPv6 address with brackets, zone and port has less; what is longer is not looked at. */
const MAX_HOP = 100
const MAX_ELEMENT = 1000
/** RFC 7239, 6: a port may be a word that tells nobody anything. */
const PORT = '(?::(?:\\d{1,5}|_[\\w.-]+))?'
const BRACKETED = new RegExp(`^\\[([^\\]]+)\\]${PORT}$`)
const DOTTED = new RegExp(`^([\\d.]+)${PORT}$`)
const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"'
/** One element of `Forwarded`, strictly: a proxy in front that is trusted has written it. */
const PAIR = new RegExp(`^\\s*(${TOKEN})=(${TOKEN}|${QUOTED})\\s*$`)

/** The address that a request comes from, whatever its headers say. Plain ASCII, and short. */
export function clientAddress(c: Context): string {
  const address = c.env?.incoming === undefined ? undefined : getConnInfo(c).remote.address
  return plainAddress(address ?? '') ?? UNKNOWN
}

/**
 * Finds the address that a request comes from, where proxies stand in front: the last hop that no trusted proxy is. Only
 * what a trusted proxy has written is heeded, so a client cannot choose its address: not in the header, which it may have
 * begun, nor in the other one, which a proxy lets through that does not know it.
 *
 * @param proxies addresses and networks
 */
export function clientAddressBehind(
  proxies: readonly string[],
  forwardedHeader: ForwardedHeader,
): (c: Context) => string {
  if (proxies.length === 0) return clientAddress
  const trusted = new TrustedProxies(proxies)
  const readHop = forwardedHeader === 'forwarded' ? forwardedFor : plainAddress
  return (c) => {
    let address = clientAddress(c)
    let rest = header(c, forwardedHeader)
    // From the right: each hop was written by the one behind it, which is `address`.
    while (rest !== undefined && trusted.has(address)) {
      const comma: number = rest.lastIndexOf(',')
      const hop = readHop(rest.slice(comma + 1))
      if (hop === undefined) break
      address = hop
      rest = comma === -1 ? undefined : rest.slice(0, comma)
    }
    return address
  }
}

/**
 * An IP address in its canonical form, without brackets, port and zone; undefined for anything else. An IPv4 address is
 * without the prefix that makes an IPv6 address of it.
 */
export function plainAddress(text: string): string | undefined {
  if (text.length > MAX_HOP) return undefined
  const trimmed = text.trim()
  const bare = BRACKETED.exec(trimmed)?.[1] ?? DOTTED.exec(trimmed)?.[1] ?? trimmed
  if (isIPv4(bare)) return bare
  if (!isIPv6(bare)) return undefined
  const [address = ''] = bare.split('%')
  return new SocketAddress({ address, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '')
}

/** The `for` of an element. No address holds a comma or a semicolon, so what was cut within quotes is no element. */
function forwardedFor(element: string): string | undefined {
  if (element.length > MAX_ELEMENT) return undefined
  let found: string | undefined
  for (const part of element.split(';')) {
    const [, name, value] = PAIR.exec(part) ?? []
    if (name === undefined || value === undefined) return undefined
    if (name.toLowerCase() === 'for') {
      // Said twice, by whomever, it says nothing.
      if (found !== undefined) return undefined
      found = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
    }
  }
  return found === undefined ? undefined : plainAddress(found)
}
