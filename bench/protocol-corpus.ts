import { readdirSync, readFileSync } from 'node:fs'
import { CALLS, type CallName } from '../src/protocol/calls/index.ts'
import type { AnyCodec } from '../src/protocol/codec.ts'

/** A reply as lyskomd sends it, and the codec of its data. */
export interface Message {
  line: Buffer
  codec: AnyCodec
}

export type Kind = 'text-stats' | 'texts' | 'memberships' | 'conferences' | 'names'

/** Number of replies to each call while a person logs in and reads a hundred texts. */
const READING: Readonly<Record<Kind, Partial<Record<CallName, number>>>> = {
  'text-stats': { 'get-text-stat': 100 },
  texts: { 'get-text': 100 },
  memberships: { 'get-membership': 20 },
  conferences: { 'get-conf-stat': 20 },
  names: { 'get-uconf-stat': 50, 'lookup-z-name': 10 },
}
/** Distribution of body sizes over a hundred texts. */
const BODIES: readonly (readonly [count: number, bytes: number])[] = [
  [50, 1000],
  [25, 2000],
  [15, 5000],
  [7, 15_000],
  [3, 50_000],
]
const PROSE =
  'Det h\xe4r \xe4r en text som n\xe5gon har skrivit.\nDen har rader, "citat" och 5H som ingen f\xe5r f\xf6rv\xe4xla med en str\xe4ng.\n'

/** The messages of each kind, based on those in `folder` (fixtures/wire), which were captured from a lyskomd. */
export function readCorpus(folder: string): Record<Kind, Message[]> {
  const files = readdirSync(folder)
  const captured = (name: CallName): Buffer[] => {
    const prefix = `reply-${CALLS[name].number}-${name}`
    const found = files.filter((file) => file === `${prefix}.bin` || file.startsWith(`${prefix}-`)).toSorted()
    if (found.length === 0) throw new Error(`${folder} holds no ${prefix}.bin`)
    return found.map((file) => readFileSync(`${folder}/${file}`))
  }
  const messages = (name: CallName, count: number): Message[] => {
    const lines = name === 'get-text' ? bodies() : captured(name)
    const codec = CALLS[name].reply as AnyCodec
    return Array.from({ length: count }, (_, i) => ({ line: lines[i % lines.length] as Buffer, codec }))
  }
  return Object.fromEntries(
    Object.entries(READING).map(([kind, calls]) => [
      kind,
      Object.entries(calls).flatMap(([name, count]) => messages(name as CallName, count)),
    ]),
  ) as Record<Kind, Message[]>
}

/** The reply to get-text for a text of `bytes` bytes. */
export function textReply(bytes: number): Message {
  const line = Buffer.concat([Buffer.from(`=17 ${bytes}H`), Buffer.alloc(bytes, PROSE, 'latin1'), Buffer.from('\n')])
  return { line, codec: CALLS['get-text'].reply as AnyCodec }
}

function bodies(): Buffer[] {
  return BODIES.flatMap(([count, bytes]) => Array.from({ length: count }, () => textReply(bytes).line))
}
