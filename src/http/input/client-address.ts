import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import type { ForwardedFrom, RequestBatch } from '../env.ts'
import { TrustedProxies } from './trusted-proxies.ts'

/** Headers in which a proxy reports the address of its client, in lower case. */
export const FORWARDED_HEADERS = ['x-forwarded-for', 'forwarded'] as const
/** The name of a header in `FORWARDED_HEADERS`. */
export type ForwardedHeader = (typeof FORWARDED_HEADERS)[number]

/** The address of a client without a known one: an embedded application may have no Node socket. */
const UNKNOWN = 'unknown'
/** An IPv6 address with brackets, zone and port is shorter; longer elements are ignored. */
const MAX_HOP = 100
const MAX_ELEMENT = 1000
/** RFC 7239, 6: a port may be an obfuscated word. */
const PORT = '(?::(?:\\d{1,5}|_[\\w.-]+))?'
const BRACKETED = new RegExp(`^\\[([^\\]]+)\\]${PORT}$`)
const DOTTED = new RegExp(`^([\\d.]+)${PORT}$`)
const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"'
/** A parameter of a `Forwarded` element. The syntax is strict, because a trusted proxy has written the element. */
const PAIR = new RegExp(`^\\s*(${TOKEN})=(${TOKEN}|${QUOTED})\\s*$`)

/**
 * Returns the address of the TCP peer, whatever the request headers claim: short and plain ASCII. For a request of a
 * batch, returns the client address of the batch, and for one that another node has forwarded, the address that it names.
 */
export function clientAddress(c: Context): string {
  const known = knownAddress(c)
  if (known !== undefined) return known
  const address = c.env?.incoming === undefined ? undefined : getConnInfo(c).remote.address
  return plainAddress(address ?? '') ?? UNKNOWN
}

/** Returns the client address that a batch or another node has found for a request. */
function knownAddress(c: Context): string | undefined {
  const { batch, forwarded } = (c.env ?? {}) as { batch?: RequestBatch; forwarded?: ForwardedFrom }
  return (batch ?? forwarded)?.clientAddress
}

/**
 * Returns a function that finds the client address of a request behind proxies: the last hop that is not a trusted
 * proxy. Only elements that a trusted proxy has written count, so a client cannot choose its address: neither in the
 * header itself, which it may have started, nor in the other header, which a proxy that does not know it passes on.
 *
 * @param proxies addresses and networks of the trusted proxies
 * @param forwardedHeader the header that these proxies write
 */
export function clientAddressBehind(
  proxies: readonly string[],
  forwardedHeader: ForwardedHeader,
): (c: Context) => string {
  if (proxies.length === 0) return clientAddress
  const trusted = new TrustedProxies(proxies)
  const readHop = forwardedHeader === 'forwarded' ? forwardedFor : plainAddress
  return (c) => {
    const known = knownAddress(c)
    if (known !== undefined) return known
    let address = clientAddress(c)
    let rest = c.req.header(forwardedHeader)
    // From right to left: each hop was written by the one to its right, which is `address`.
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
 * Returns an IP address in its canonical form, without brackets, port and zone, or undefined for anything else.
 * IPv4-mapped IPv6 addresses are returned as IPv4 addresses.
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

/**
 * Returns the `for` of an element. No address holds a comma or a semicolon, so an element split in quotes is invalid.
 */
function forwardedFor(element: string): string | undefined {
  if (element.length > MAX_ELEMENT) return undefined
  let found: string | undefined
  for (const part of element.split(';')) {
    const [, name, value] = PAIR.exec(part) ?? []
    if (name === undefined || value === undefined) return undefined
    if (name.toLowerCase() === 'for') {
      // An element with two `for` parameters is ambiguous, so it is ignored.
      if (found !== undefined) return undefined
      found = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
    }
  }
  return found === undefined ? undefined : plainAddress(found)
}
