/** What nodes send to each other. It needs no optional package, as those parts of the gateway do that use it. */

import type { Duplex, Readable } from 'node:stream'
import type { Owner } from './owner.ts'

/** The path by which a node is asked whether it is there. */
export const PROBE_PATH = '/.node'
/** The header of a response with which the port for nodes refuses a request. */
export const REFUSED_HEADER = 'Komgate-Refused'
/** The header by which a node recognizes another one. */
export type SignatureHeader = readonly [name: string, value: string]

/** A request that another node has to answer. */
export interface ForwardedRequest {
  method: string
  /** path and query, as the client sent them */
  target: string
  /** names and values by turns */
  headers: readonly string[]
  body?: Uint8Array | Readable | undefined
  /** calls a function when the connection of the client is closed, or the response has ended */
  onGone: (listener: () => void) => void
  /** returns the header for an owner */
  sign: (owner: Owner) => SignatureHeader
}

/** What another node has answered. */
export interface ForwardedResponse {
  status: number
  /** names and values by turns, as the node sent them */
  headers: readonly string[]
  /** all of it, or a stream if it is large or has no known length */
  body: Uint8Array | Readable
}

/** A connection to another node that has become a WebSocket, or why it has not. */
export type UpgradeResponse =
  | { headers: readonly string[]; socket: Duplex; head: Uint8Array }
  | { headers: readonly string[]; status: number; body: Uint8Array }

/** Returns the `Content-Length` in a list of names and values by turns. */
export function contentLength(headers: readonly string[]): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (name.length === 14 && name.toLowerCase() === 'content-length') return headers[i + 1]
  }
  return undefined
}
