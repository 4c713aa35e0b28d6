import { isIP } from 'node:net'

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/
const MAX_NAME = 253
/** The rule for hosts, as in the error for an invalid one. */
export const HOST_RULE = 'must be a host name or an address, without scheme, port and brackets'

/** Returns whether a text is an IP address or a DNS name; a DNS name may end with a dot. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  const name = text.replace(/\.$/, '')
  const labels = name.split('.')
  // Most resolvers parse a name whose last label is a number as an IPv4 address.
  return name.length <= MAX_NAME && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
}
