import { type Signal, signal } from '@preact/signals'
import type { Draft } from './request.ts'

/** A request that was sent. */
export interface RecentRequest {
  /** counts the requests */
  no: number
  operation: string
  draft: Draft
  /** undefined if there was no response */
  status: number | undefined
}

const MAX_RECENT = 20

/** The requests of each login, which may hold passwords: they are forgotten with it. */
const byLogin = new WeakMap<object, Signal<readonly RecentRequest[]>>()

/** Returns the last requests, the newest first. @param login what lives as long as the login of the operator */
export function recentRequests(login: object): Signal<readonly RecentRequest[]> {
  const known = byLogin.get(login)
  if (known !== undefined) return known
  const made = signal<readonly RecentRequest[]>([])
  byLogin.set(login, made)
  return made
}

/** Puts a request before the others. */
export function remember(requests: Signal<readonly RecentRequest[]>, request: Omit<RecentRequest, 'no'>): void {
  const { value } = requests
  requests.value = [{ ...request, no: (value[0]?.no ?? 0) + 1 }, ...value].slice(0, MAX_RECENT)
}
