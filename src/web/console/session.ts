import { signal } from '@preact/signals'
import { Gateway } from './gateway.ts'

/** The access of the operator. The admin key is in the memory of the page alone, so a reload asks for it again. */
export interface ConsoleSession {
  /** undefined while nobody is logged in */
  gateway: Gateway | undefined
  /** whether the gateway does not accept the key any more */
  isRejected: boolean
}

export const session = signal<ConsoleSession>({ gateway: undefined, isRejected: false })

/**
 * Logs in with an admin key.
 * @throws GatewayError if the gateway does not accept it or cannot be reached
 */
export async function logIn(key: string): Promise<void> {
  const gateway = new Gateway(key, () => logOut(true))
  await gateway.json('admin/servers')
  session.value = { gateway, isRejected: false }
}

/** Forgets the key. @param isRejected whether the gateway does not accept it any more */
export function logOut(isRejected = false): void {
  // A request of an earlier login may end late.
  if (session.value.gateway !== undefined) session.value = { gateway: undefined, isRejected }
}
