import type { Conference, LiveState } from 'komgate/client'

/** Returns whether a person may change a conference or letterbox: its supervisor, and the members of that conference. */
export function maySupervise(
  { conf_no, supervisor }: Pick<Conference, 'conf_no' | 'supervisor'>,
  { person, memberships }: Pick<LiveState, 'person' | 'memberships'>,
): boolean {
  if (person === null) return false
  if (conf_no === person.pers_no || supervisor?.conf_no === person.pers_no) return true
  return memberships.some(({ conference }) => conference.conf_no === supervisor?.conf_no)
}
