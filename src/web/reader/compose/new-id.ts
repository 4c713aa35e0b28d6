/** Returns a random id. Not `crypto.randomUUID`, which browsers have on https and localhost alone. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36)).join('')
}
