import { type Kom, LyskomError, type Membership, type Text } from 'komgate/client'
import { expect, it } from 'vitest'
import { proposedRecipients } from '../../../src/web/reader/compose/recipients.ts'
import type { Kind } from '../../../src/web/reader/compose/target.ts'

const ME = { pers_no: 6, pers_name: 'Me' }
const BOB = { pers_no: 7, pers_name: 'Bob' }
/** Conferences by number: an open one, one for original texts with and without a super conference. */
const CONFERENCES: Record<number, { name: string; letterbox?: 1; original?: 1; super_conf?: number | null }> = {
  6: { name: 'Me', letterbox: 1 },
  7: { name: 'Bob', letterbox: 1 },
  10: { name: 'Club' },
  11: { name: 'News', original: 1, super_conf: 10 },
  12: { name: 'Orders', original: 1, super_conf: null },
}

/** The number of a conference that has been deleted. */
const GONE = 13

function conference(no: number): object {
  if (no === GONE) throw new LyskomError('UndefinedConference', 9, no, { httpStatus: 404 })
  const { name, letterbox = 0, original = 0, super_conf = null } = CONFERENCES[no] as (typeof CONFERENCES)[number]
  const above = super_conf === null ? null : { conf_no: super_conf, name: CONFERENCES[super_conf]?.name }
  return { conf_no: no, name, type: { letterbox, original }, super_conf: above }
}

/** Returns the numbers of the proposed recipients, with the type of those of copies. @param to by type */
async function propose(
  kind: Kind,
  no: number,
  text?: { author?: typeof ME; to?: number[]; cc?: number[]; bcc?: number[] },
): Promise<(number | string)[]> {
  const list = (['to', 'cc', 'bcc'] as const).flatMap((type) =>
    (text?.[type] ?? []).map((conf_no) => ({ type, recpt: { conf_no, name: CONFERENCES[conf_no]?.name } })),
  )
  const answered = text && ({ text_no: no, author: text.author ?? BOB, recipient_list: list } as unknown as Text)
  const kom = { conferences: { get: async (confNo: number) => conference(confNo) } } as unknown as Kom
  const memberships = [{ conference: conference(10) }] as Membership[]
  const found = await proposedRecipients({ kind, no }, answered, { kom, person: ME, memberships })
  for (const { conf_no, name } of found) expect(name).toBe(CONFERENCES[conf_no]?.name)
  return found.map(({ type, conf_no }) => (type === 'to' ? conf_no : `${type} ${conf_no}`))
}

it('proposes the conference that a new text begins with', async () => {
  expect(await propose('new', 0)).toEqual([])
  expect(await propose('new', 10)).toEqual([10])
})

it('proposes a person and oneself for a letter', async () => {
  expect(await propose('new', 7)).toEqual([7, 6])
  expect(await propose('new', 6)).toEqual([6])
})

it('proposes the recipients of the text without copies for a comment', async () => {
  expect(await propose('comment', 47, { to: [10], cc: [7] })).toEqual([10])
  expect(await propose('comment', 47, { cc: [10] })).toEqual([10])
})

it('proposes the super conference of a conference for original texts, and nothing without one', async () => {
  expect(await propose('comment', 47, { to: [11] })).toEqual([10])
  expect(await propose('comment', 47, { to: [10, 11] })).toEqual([10])
  expect(await propose('comment', 47, { to: [12] })).toEqual([])
})

it('leaves out recipients that do not exist any more for a comment', async () => {
  expect(await propose('comment', 47, { to: [GONE, 10] })).toEqual([10])
  expect(await propose('comment', 47, { to: [6, GONE] })).toEqual([6, 7])
})

it('proposes the author too for a comment on a letter', async () => {
  expect(await propose('comment', 47, { to: [6] })).toEqual([6, 7])
  expect(await propose('comment', 47, { to: [6, 7] })).toEqual([6, 7])
})

it('proposes all recipients for a footnote except for blind copies', async () => {
  expect(await propose('footnote', 47, { author: ME, to: [11], cc: [7], bcc: [12] })).toEqual([11, 'cc 7'])
})

it('proposes the author and oneself for a private answer', async () => {
  expect(await propose('answer', 47, { to: [10] })).toEqual([7, 6])
})
