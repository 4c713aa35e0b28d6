import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

/** The header of a request from another node. */
export const FORWARDED_HEADER = 'Komgate-Forwarded'
/** The difference of clocks that is accepted, milliseconds. Nodes use the clock of Redis. */
export const MAX_SKEW_MS = 30_000
const FORMAT = /^t=(\d{1,15}),to=([\da-f-]{36}),for=([^,\s]{1,100}),sig=([\w-]{43})$/

/** What a node says about a request that it forwards. */
export interface Claims {
  /** time of Redis, milliseconds since 1970 */
  time: number
  /** the epoch of the node that the request is for */
  epoch: string
  /** the address of the client */
  clientAddress: string
}

/** The part of a request that the signature covers. */
export interface SignedRequest {
  method: string
  /** path and query */
  target: string
}

/** Signs requests between nodes with the key of the cluster, and checks the signatures. */
export class Signatures {
  readonly #key: KeyObject

  constructor(clusterKey: string) {
    this.#key = createSecretKey(clusterKey, 'utf8')
  }

  /** Returns the value of the header for a request. */
  sign(request: SignedRequest, claims: Claims): string {
    const { time, epoch, clientAddress } = claims
    return `t=${time},to=${epoch},for=${clientAddress},sig=${this.#signature(request, claims)}`
  }

  /** Returns what a header claims; undefined if it was not written with the key for this request. */
  verify(request: SignedRequest, header: string): Claims | undefined {
    const [, time, epoch, clientAddress, signature] = FORMAT.exec(header) ?? []
    if (epoch === undefined || clientAddress === undefined || signature === undefined) return undefined
    const claims = { time: Number(time), epoch, clientAddress }
    const isGenuine = timingSafeEqual(Buffer.from(signature), Buffer.from(this.#signature(request, claims)))
    return isGenuine ? claims : undefined
  }

  #signature({ method, target }: SignedRequest, { time, epoch, clientAddress }: Claims): string {
    const text = [time, epoch, clientAddress, method, target].join('\n')
    return createHmac('sha256', this.#key).update(text).digest('base64url')
  }
}
