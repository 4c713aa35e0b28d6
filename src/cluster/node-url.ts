/** Returns the host of a node URL, an IPv6 address without brackets. */
export function hostOf(nodeUrl: string): string {
  return new URL(nodeUrl).hostname.replace(/^\[|\]$/g, '')
}
