import { isIPv4 } from 'node:net'

/** Returns whether a text is a URL where other nodes may reach one: `http:` with a port, without a path. */
export function isNodeUrl(text: string): boolean {
  if (!/^http:\/\/[^/?#@]+:\d{1,5}$/.test(text) || !URL.canParse(text)) return false
  return new URL(text).port !== '0'
}

/** Returns the host of a node URL, an IPv6 address without brackets. */
export function hostOf(nodeUrl: string): string {
  return new URL(nodeUrl).hostname.replace(/^\[|\]$/g, '')
}

/** Returns whether a node URL leads each machine to itself. */
export function isLoopback(nodeUrl: string): boolean {
  const host = hostOf(nodeUrl)
  return ['localhost', '::1', '::', '0.0.0.0'].includes(host) || (isIPv4(host) && host.startsWith('127.'))
}
