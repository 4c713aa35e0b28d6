/** The 123 requests of Protocol A 11.1, merged from one table a subject. */
import type { Infer } from '../codec.ts'
import { conferences } from './conferences.ts'
import { memberships } from './memberships.ts'
import { persons } from './persons.ts'
import { server } from './server.ts'
import { sessions } from './sessions.ts'
import { texts } from './texts.ts'

export const CALLS = { ...conferences, ...persons, ...texts, ...memberships, ...sessions, ...server } as const

export type CallName = keyof typeof CALLS
export type Params<N extends CallName> = Infer<(typeof CALLS)[N]['params']>
export type Reply<N extends CallName> = Infer<(typeof CALLS)[N]['reply']>

const names: (CallName | undefined)[] = []
for (const [name, { number }] of Object.entries(CALLS)) names[number] = name as CallName

/** The name of a request number; undefined for a number that version 11.1 does not know. */
export function callName(number: number): CallName | undefined {
  return names[number]
}
