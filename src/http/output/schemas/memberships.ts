import { z } from 'zod'
import { MicroConference } from './conferences.ts'
import { Person } from './names.ts'
import { confNo, count, flag, int8, int32, Time, textNo } from './values.ts'

export type Membership = z.output<typeof Membership>
export const Membership = z
  .strictObject({
    pers_no: confNo.describe('The member.'),
    position: int32.describe("The position in the person's list, from 0."),
    last_time_read: Time,
    conference: MicroConference,
    priority: int8.describe('Conferences with a higher priority are read first.'),
    added_by: Person,
    added_at: Time,
    type: z.strictObject({
      invitation: flag.describe('1 until the person accepts the membership.'),
      passive: flag.describe('1 if the person does not read the conference.'),
      secret: flag.describe('1 if others do not see the membership.'),
      passive_message_invert: flag.describe('1 if group messages depend on `passive` in the opposite way.'),
    }),
  })
  .meta({ id: 'Membership', description: 'The membership of a person in a conference.' })

export type Unread = z.output<typeof Unread>
export const Unread = z
  .strictObject({
    pers_no: confNo,
    conf_no: confNo,
    no_of_unread: count,
    unread_texts: z.array(textNo).describe('Text numbers, by local number in the conference.'),
  })
  .meta({ id: 'Unread', description: 'The unread texts of a person in one conference, without deleted ones.' })

export type NumberedUnread = z.output<typeof NumberedUnread>
export const NumberedUnread = Unread.extend({
  local_nos: z.array(textNo).describe('The local number of each of `unread_texts`, in the same order.'),
}).meta({
  id: 'NumberedUnread',
  description: 'The unread texts of a person in one conference with their local numbers.',
})
