import { fragmentOf } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { t } from './strings.ts'

/** Returns whether the person is a member of no conference yet, besides their letterbox. */
export function isNewcomer(reader: Reader): boolean {
  return reader.state.value.memberships.every(({ conference }) => conference.type.letterbox === 1)
}

/** Leads a person who is a member of no conference to the conferences. */
export function Newcomer({ reader }: { reader: Reader }) {
  if (!isNewcomer(reader)) return null
  return (
    <p class="note">
      <a href={fragmentOf(reader.server, 'conferences')}>{t.value.chooseConferences}</a>
    </p>
  )
}
