import { z } from 'zod'
import { Person } from './names.ts'
import { flag, int32, Time } from './values.ts'

/** The tags of the aux-items that clients of this API handle. Responses contain no others. */
export const LISTED_TAGS = [
  'fast-reply',
  'mx-date',
  'mx-author',
  'faq-text',
  'faq-for-conf',
  'komfeeder-url',
  'komfeeder-title',
  'komfeeder-author',
  'komfeeder-date',
] as const

export type AuxItem = z.output<typeof AuxItem>
export const AuxItem = z
  .strictObject({
    aux_no: int32.describe('The number of the item in its text or conference.'),
    tag: z.enum(LISTED_TAGS),
    creator: Person,
    created_at: Time,
    flags: z.strictObject({ deleted: flag, inherit: flag, secret: flag, hide_creator: flag, dont_garb: flag }),
    inherit_limit: int32.describe('1 more than the number of times that the item can be inherited. 0 means no limit.'),
    data: z.string().describe('The bytes of the item, one character of ISO 8859-1 for each.'),
  })
  .meta({ id: 'AuxItem', description: 'An aux-item of a text or a conference. Items with other tags are left out.' })
