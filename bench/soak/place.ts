import type { Weather } from './ledger.ts'

/** A person who can log in. */
export interface Person {
  pers_no: number
  passwd: string
}

/** A LysKOM server as clients know it. */
export interface Place {
  /** its server id */
  id: string
  weather: Weather
  /** whether recent writes may be lost in a crash */
  forgets: boolean
  /** number of crashes so far */
  crashes: number
  /** the conference for all posts */
  conference: number
  people: readonly Person[]
  /** persons whose logins fail on purpose, so that login delays affect no other visits */
  forgetful: readonly Person[]
}
