import { z } from 'zod'
import { AuxItem } from './aux-items.ts'
import { ConferenceName, Person } from './names.ts'
import { confNo, flag, int16, int32, Time, textNo } from './values.ts'

export type ConferenceType = z.output<typeof ConferenceType>
export const ConferenceType = z
  .strictObject({
    rd_prot: flag.describe('1 for a closed conference.'),
    original: flag.describe('1 if comments are not allowed.'),
    secret: flag,
    letterbox: flag.describe('1 for the letterbox of a person.'),
    allow_anonymous: flag.describe('1 if anonymous texts are allowed.'),
    forbid_secret: flag.describe('1 if secret memberships are forbidden.'),
    reserved2: flag,
    reserved3: flag,
  })
  .meta({ id: 'ConferenceType', description: 'The flags of a conference.' })

const nice = int32.describe('The minimum number of days for which texts are kept.')

export type MicroConference = z.output<typeof MicroConference>
export const MicroConference = z
  .strictObject({
    conf_no: confNo,
    name: z.string(),
    type: ConferenceType,
    highest_local_no: textNo.describe('The highest local number of a text. 0 means that there has been no text.'),
    nice,
  })
  .meta({ id: 'MicroConference', description: 'The short form of a conference.' })

export type Conference = z.output<typeof Conference>
export const Conference = z
  .strictObject({
    conf_no: confNo,
    name: z.string(),
    type: ConferenceType,
    creation_time: Time,
    last_written: Time.describe('The time of the newest text.'),
    creator: Person,
    presentation: textNo.describe('The number of the presentation. 0 means none.'),
    supervisor: ConferenceName.nullable().describe('The conference whose members may change this one.'),
    permitted_submitters: ConferenceName.nullable().describe(
      'The conference whose members may write texts in this one. Null means all persons.',
    ),
    super_conf: ConferenceName.nullable().describe(
      'The conference that receives the texts of those who may not write in this one.',
    ),
    msg_of_day: textNo.describe('The number of the notice to show to readers. 0 means none.'),
    nice,
    keep_commented: int32.describe('The minimum number of days for which a text with a comment that recent is kept.'),
    no_of_members: int16,
    first_local_no: textNo.describe('The lowest local number of a text that still exists.'),
    no_of_texts: int32,
    expire: int32.describe('In days. 0 means that the conference does not expire.'),
    aux_items: z.array(AuxItem),
  })
  .meta({ id: 'Conference', description: 'A conference, or the letterbox of a person, with all its properties.' })
