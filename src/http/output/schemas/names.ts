import { z } from 'zod'
import { confNo } from './values.ts'

export type Person = z.output<typeof Person>
export const Person = z
  .strictObject({
    pers_no: confNo.describe("Also the number of the person's letterbox. 0 is the anonymous person."),
    pers_name: z.string().describe('`Person 17 (does not exist)` for a person that is deleted or secret.'),
  })
  .meta({ id: 'Person', description: 'A person with their name.' })

export type ConferenceName = z.output<typeof ConferenceName>
export const ConferenceName = z
  .strictObject({
    conf_no: confNo.describe('The number of a letterbox is that of its person.'),
    name: z.string().describe('`Conference 17 (does not exist)` for a conference that is deleted or secret.'),
  })
  .meta({ id: 'ConferenceName', description: 'A conference, or the letterbox of a person, with its name.' })
