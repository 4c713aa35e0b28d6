import type { KomError } from '../protocol/errors.ts'
import type { OpenedSession, Registry } from '../sessions/registry.ts'
import type { HttpCounters } from './counters.ts'

/** A LysKOM server as `GET /` lists it. */
export interface ListedServer {
  id: string
  name: string
  host: string
  port: number
  sortOrder: number
}

/** One line of the access log. Holds nothing that a client would want kept secret. */
export interface AccessEntry {
  method: string
  /** without the query, connection ids replaced */
  path: string
  status: number
  ms: number
  /** the session's handle, when the request carried a good id */
  session: string | undefined
}

export interface AppOptions {
  servers: ReadonlyMap<string, ListedServer>
  registry: Registry
  counters: HttpCounters
  /** everything that `GET /stats` shows */
  stats: () => Record<string, number>
  /** what stands before every path, `/kom` for example; empty for nothing */
  basePath: string
  /** `*`, or the origins that may read answers */
  corsOrigins: '*' | readonly string[]
  corsMaxAgeSeconds: number
  maxBodyBytes: number
  onAccess: (entry: AccessEntry) => void
  /** an error that is our own fault; the client is told nothing of it */
  onInternalError: (error: unknown) => void
}

/** What middleware leaves for the routes. */
export interface Env {
  Variables: {
    /** the server that the path names; set for all its routes */
    serverId: string
    /** set by `requireSession` */
    opened: OpenedSession
    /** set by `namedErrors` */
    namedErrors: NamedErrors
  }
}

/** Statuses of the LysKOM errors that a route names; the others have the status of `KOM_STATUS`. */
export type NamedErrors = Readonly<Partial<Record<KomError['errorName'], 400 | 401 | 404>>>
