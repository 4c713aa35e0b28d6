import type { Infer } from '../codec.ts'
import { conferences } from './conferences.ts'
import { memberships } from './memberships.ts'
import { persons } from './persons.ts'
import { server } from './server.ts'
import { sessions } from './sessions.ts'
import { texts } from './texts.ts'

/** The 123 requests of Protocol A 11.1 by their name in the specification. */
export const CALLS = { ...conferences, ...persons, ...texts, ...memberships, ...sessions, ...server } as const

/** The specification's name of a request. */
export type CallName = keyof typeof CALLS
/** The parameters of the request `N`. */
export type Params<N extends CallName> = Infer<(typeof CALLS)[N]['params']>
/** The reply to the request `N`. */
export type Reply<N extends CallName> = Infer<(typeof CALLS)[N]['reply']>

const names: (CallName | undefined)[] = []
for (const [name, { number }] of Object.entries(CALLS)) names[number] = name as CallName

/** Returns the name of a call number; undefined for a number that Protocol A 11.1 does not define. */
export function callName(number: number): CallName | undefined {
  return names[number]
}
