import { BlockList, isIPv4, isIPv6 } from 'node:net'

const PREFIX = /^\d{1,3}$/

/** Returns whether a text is an address, or a network such as `10.0.0.0/8` or `2001:db8::/32`. */
export function isNetwork(text: string): boolean {
  const { address, prefix, bits } = read(text)
  return bits !== undefined && !address.includes('%') && PREFIX.test(prefix) && Number(prefix) <= bits
}

/** The proxies whose forwarding headers the gateway trusts. */
export class TrustedProxies {
  readonly #list = new BlockList()

  /** @param networks addresses and networks for which `isNetwork` returns true */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const { address, prefix, bits } = read(network)
      this.#list.addSubnet(address, Number(prefix), bits === 32 ? 'ipv4' : 'ipv6')
    }
  }

  /** Returns whether an address is trusted. @param address an IP address; any other text is not trusted */
  has(address: string): boolean {
    if (isIPv4(address)) return this.#list.check(address, 'ipv4')
    return isIPv6(address) && this.#list.check(address, 'ipv6')
  }
}

function read(network: string) {
  const slash = network.indexOf('/')
  const address = slash === -1 ? network : network.slice(0, slash)
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : undefined
  return { address, bits, prefix: slash === -1 ? String(bits) : network.slice(slash + 1) }
}
