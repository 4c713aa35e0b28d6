/** A session, as `GET /admin/sessions` lists it. */
export interface ListedSession {
  handle: string
  server: string
  session_no: number
  pers_no: number | null
  client: string
  address: string
  idle: number
  calls: number
  lease: number | null
}

/** Returns sessions of many persons, clients and addresses, in no order of any of their fields. */
export function manySessions(count: number): ListedSession[] {
  return Array.from({ length: count }, (_, i) => ({
    handle: ((i * 2_654_435_761) % 2 ** 48).toString(16).padStart(12, '0'),
    server: i % 3 === 0 ? 'lyskom' : 'demo',
    session_no: i + 1,
    pers_no: i % 5 === 0 ? null : (i * 31) % 4000,
    client: `client-${i % 17} ${i % 9}.${i % 7}`,
    address: `10.${i % 250}.${(i >> 3) % 250}.${i % 199}`,
    idle: (i * 7919) % 90_000,
    calls: (i * 104_729) % 100_000,
    lease: i % 11 === 0 ? null : (i * 31) % 604_800,
  }))
}
