import { isIP } from 'node:net'

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/
const MAX_NAME = 253
export const HOST_RULE = 'must be a host name or an address, without scheme, port and brackets'

/** Whether a text is an IP address or a DNS name, which may end in a dot. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  const name = text.replace(/\.$/, '')
  const labels = name.split('.')
  // A name whose last label is a number is an IPv4 address to most resolvers, here an invalid one.
  return name.length <= MAX_NAME && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
}
