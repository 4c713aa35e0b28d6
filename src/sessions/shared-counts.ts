/** Sessions of this process: of a client network or of a person. */
export type SessionCount = readonly [key: string, sessions: number]

/** The sessions of other processes with the same key. */
export interface CountElsewhere {
  sessions: number
  /** the process that has most of them, and how many; undefined if none has any */
  most?: { process: string; sessions: number } | undefined
}

/** The numbers of sessions that the processes of a cluster share. */
export interface SharedCounts {
  /** Publishes numbers of this process. Resolves with those of the others in the same order, which are 0 if unavailable. */
  exchange(counts: readonly SessionCount[]): Promise<readonly CountElsewhere[]>
  /** Publishes numbers of this process. */
  publish(counts: readonly SessionCount[]): void
}
