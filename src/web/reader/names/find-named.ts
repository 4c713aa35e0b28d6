import type { ConferenceName, Kom } from 'komgate/client'

/** A person or a conference. */
export interface Named extends ConferenceName {
  view: 'persons' | 'conferences'
}

/** Returns the persons and the conferences whose names match, in one request. */
export async function findNamed(kom: Kom, name: string): Promise<Named[]> {
  const [conferences, persons] = await kom.batch([
    kom.conferences.find(name, { want_pers: false }),
    kom.conferences.find(name, { want_confs: false }),
  ])
  return [
    ...conferences.conferences.map((each) => ({ ...each, view: 'conferences' as const })),
    ...persons.conferences.map((each) => ({ ...each, view: 'persons' as const })),
  ]
}
