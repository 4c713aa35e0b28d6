import { startDemoServer } from '../../src/demo/server.ts'
import { connectTo } from '../support/connection.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'

/** A LysKOM server to run the contract against. */
export interface Backend {
  host: string
  port: number
  stop(): Promise<void>
}

/** Persons and conferences made for the contract, by their numbers. */
export interface Cast {
  alice: { no: number; name: string; passwd: string }
  bob: { no: number; name: string; passwd: string }
  /** a conference of which alice is a member */
  club: { no: number; name: string }
  /** a conference of which she is none */
  other: { no: number; name: string }
}

export const BACKENDS: readonly { name: string; start(): Promise<Backend> }[] = [
  {
    name: 'the demo server',
    start: async () => {
      const demo = await startDemoServer()
      return { host: demo.host, port: demo.port, stop: () => demo.close() }
    },
  },
  ...(lyskomdInstalled() ? [{ name: 'lyskomd', start: () => startLyskomd() }] : []),
]

const NO_FLAGS = {
  unreadIsSecret: false,
  flg2: false,
  flg3: false,
  flg4: false,
  flg5: false,
  flg6: false,
  flg7: false,
  flg8: false,
}
const OPEN_CONFERENCE = {
  rdProt: false,
  original: false,
  secret: false,
  letterbox: false,
  allowAnonymous: false,
  forbidSecret: false,
  reserved2: false,
  reserved3: false,
}
const PLAIN_MEMBER = {
  invitation: false,
  passive: false,
  secret: false,
  passiveMessageInvert: false,
  reserved2: false,
  reserved3: false,
  reserved4: false,
  reserved5: false,
}

/** Makes the cast on a server, through the protocol itself, so that it is alike wherever the contract runs. */
export async function makeCast(backend: Backend): Promise<Cast> {
  const connection = await connectTo(backend.port)
  const person = async (name: string, passwd: string) => {
    const no = await connection.call('create-person', { name, passwd, flags: NO_FLAGS, auxItems: [] })
    return { no, name, passwd }
  }
  const conference = async (name: string) => ({
    no: await connection.call('create-conf', { name, type: OPEN_CONFERENCE, auxItems: [] }),
    name,
  })
  const alice = await person('Contract Alice', 'alice-pw')
  const bob = await person('Contract Böb (the other)', 'bøb')
  await connection.call('login', { person: alice.no, passwd: alice.passwd, invisible: false })
  const club = await conference('Contract Club')
  const other = await conference('Contract Other')
  const membership = { confNo: club.no, persNo: alice.no, priority: 100, where: 1, type: PLAIN_MEMBER }
  await connection.call('add-member', membership)
  await connection.close()
  return { alice, bob, club, other }
}
