import { KomgateError } from '../protocol/komgate-error.ts'

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<ClusterErrorCode, ClusterError> {}
}

/** Why the state of the cluster rejects a request. */
export type ClusterErrorCode =
  /** Redis does not name the node that has the session, or whether this node may open one is not certain */
  | 'cluster-unavailable'
  /** the node that has the session does not answer */
  | 'node-unreachable'
  /** another node has sent a request for a session that is not on this node; clients never receive it */
  | 'misdirected'
  /** a request claims to be from another node, and is not */
  | 'foreign-node'

const CLIENT_MESSAGES: Readonly<Record<ClusterErrorCode, string>> = {
  'cluster-unavailable': 'The nodes of this gateway cannot agree at the moment; try again.',
  'node-unreachable': 'The node of this gateway that has the session does not answer.',
  misdirected: 'The session is not on this node.',
  'foreign-node': 'Only nodes of this gateway may send this.',
}

/** A request cannot be carried out because of the state of the cluster. */
export class ClusterError extends KomgateError {
  constructor(
    readonly code: ClusterErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  override get clientMessage(): string {
    return CLIENT_MESSAGES[this.code]
  }
}

/**
 * A setting of this node does not fit the other nodes: its URL is that of another one, or cannot be reached by them, or
 * they have another cluster key or lease.
 */
export class ClusterSettingError extends Error {
  constructor(
    readonly setting: 'nodeUrl' | 'clusterKey' | 'leaseMs',
    message: string,
  ) {
    super(message)
  }
}

/** A node does not hold the slot, and has not carried out the request. */
export class MisdirectedError extends Error {}

/** A node has refused the signature of a request, and has not carried it out. */
export class RefusedError extends Error {}

/** A node has closed the connection of a request, which it has not read. */
export class NotReadError extends Error {}

/** The client disconnected while another node worked on its request. */
export class ClientGoneError extends Error {}
