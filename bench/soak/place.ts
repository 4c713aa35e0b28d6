import type { Weather } from './ledger.ts'

/** Somebody who may log in. */
export interface Person {
  pers_no: number
  passwd: string
}

/** A LysKOM server as clients know it. */
export interface Place {
  /** its server id */
  id: string
  weather: Weather
  /** whether what was written may be gone after a crash */
  forgets: boolean
  /** how often it has crashed */
  crashes: number
  /** where everything is posted */
  conference: number
  people: readonly Person[]
  /** who forget their passwords, so that nobody else has to wait for it */
  forgetful: readonly Person[]
}
