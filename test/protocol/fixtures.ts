/** The recorded messages of lyskomd in fixtures/wire, classified by their file names. */
import { readdirSync, readFileSync } from 'node:fs'
import { CALLS, type CallName, callName } from '../../src/protocol/calls/index.ts'
import type { AnyCodec } from '../../src/protocol/codec.ts'
import { MESSAGES, messageName } from '../../src/protocol/messages.ts'

const FOLDER = new URL('../../fixtures/wire/', import.meta.url)
const FILE = /^(?:(reply|message|error)-(\d+)-([a-z0-9-]+)|(greeting|refusal)[a-z-]*)\.bin$/

/** A recorded message. */
export interface Fixture {
  /** file name in fixtures/wire */
  file: string
  kind: 'reply' | 'message' | 'error' | 'refusal' | 'greeting'
  /** number of the call, message or error; -1 for greetings and refusals */
  number: number
  bytes: Buffer
  /** codec of the data; undefined for errors, refusals and the greeting */
  codec: AnyCodec | undefined
}

function fixture(file: string): Fixture {
  const [, numbered, digits = '-1', label = '', other] = FILE.exec(file) ?? []
  const kind = (numbered ?? other) as Fixture['kind']
  if (kind === undefined) throw new Error(`${file}: unknown kind of message`)
  const number = Number(digits)
  const bytes = readFileSync(new URL(file, FOLDER))
  if (kind !== 'reply' && kind !== 'message') return { file, kind, number, bytes, codec: undefined }
  const name = kind === 'reply' ? callName(number) : messageName(number)
  if (name === undefined || !label.startsWith(name))
    throw new Error(`${file}: the name does not match the number of the ${kind}`)
  const codec = kind === 'reply' ? CALLS[name as CallName].reply : MESSAGES[name as keyof typeof MESSAGES].params
  return { file, kind, number, bytes, codec }
}

/** All recorded messages, sorted by file name. */
export const FIXTURES: readonly Fixture[] = readdirSync(FOLDER)
  .filter((file) => file !== 'README.md')
  .sort()
  .map(fixture)

/** Calls, messages and errors without a recording, from the table in the folder's README, e.g. `call 3 change-name`. */
export const UNREACHED: readonly string[] = [
  ...readFileSync(new URL('README.md', FOLDER), 'utf8').matchAll(/^\| (\w+) \| (\d+) \| ([a-z-]+) \| .+ \|$/gm),
].map(([, kind, number, name]) => `${kind} ${number} ${name}`)

/**
 * Returns a recorded message, LF included.
 *
 * @param file file name without `.bin`
 * @throws Error if there is no such file
 */
export function bytesOf(file: string): Buffer {
  const found = FIXTURES.find((one) => one.file === `${file}.bin`)
  if (found === undefined) throw new Error(`no fixture ${file}`)
  return found.bytes
}
