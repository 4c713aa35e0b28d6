import type { Lyskomd } from '../support/lyskomd.ts'
import type { TcpProxy } from '../support/proxy.ts'

/** A person who can log in. */
export interface Person {
  pers_no: number
  passwd: string
}

/** A LysKOM server as clients know it. */
export interface Server {
  id: string
  /** whether faults are injected */
  isFaulty: boolean
  /** whether recent writes may be lost in a crash */
  losesData: boolean
  /** number of crashes so far */
  crashes: number
  /** the conference for all posts */
  conference: number
  persons: readonly Person[]
  /** persons whose logins fail on purpose, so that login delays affect no other clients */
  failingPersons: readonly Person[]
}

/** A server with injected faults. */
export interface FaultyServer {
  server: Server
  /** between the gateway and the server */
  proxy: TcpProxy
  /** what happens to new connections: a number is their latency in milliseconds, in each direction */
  accept: 'refuse' | 'black hole' | number
  /** undefined for a server with connection faults only */
  lyskomd: Lyskomd | undefined
}
