import type { Person, Place } from './place.ts'
import type { Random } from './random.ts'
import { jsonOf } from './session.ts'
import { type Scenery, Visit } from './visit.ts'

const PEOPLE = 6
const FORGETFUL = 2
const FIRST_TEXTS = 10
/** An address number that no client has. */
const SETTLER = { name: 'settler', no: 255 }

/**
 * Creates the persons of a server, a conference with all of them as members, and some texts. No faults are active yet.
 */
export async function settle(scenery: Scenery, place: Place, random: Random): Promise<void> {
  const visit = new Visit(scenery, place, random, SETTLER)
  const session = await visit.open()
  const people: Person[] = []
  for (let i = 1; i <= PEOPLE + FORGETFUL; i++) {
    const passwd = `soak${i}`
    const made = await session.ask('POST', '/persons/', [201], { name: `Soak Person ${i}`, passwd })
    people.push({ pers_no: (jsonOf(made) as Person).pers_no, passwd })
  }
  for (const [i, person] of people.entries()) {
    await session.login(person)
    if (i === 0) {
      const made = await session.ask('POST', '/conferences/', [201], { name: 'Soak (where clients post)' })
      place.conference = (jsonOf(made) as { conf_no: number }).conf_no
    }
    await session.ask('PUT', `/persons/${person.pers_no}/memberships/${place.conference}`, [201], {})
  }
  for (let i = 1; i <= FIRST_TEXTS; i++) await session.post(`first ${i}`, 100 * i)
  place.people = people.slice(0, PEOPLE)
  place.forgetful = people.slice(PEOPLE)
  await session.end()
  visit.browser.close()
}
