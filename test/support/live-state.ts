import type { LiveState } from '../../src/client/index.ts'

type Comparable = Pick<LiveState, 'person' | 'memberships' | 'unread' | 'marks'>

/**
 * Returns the parts of a live state or a start that events keep current: without `last_time_read` and the highest local
 * numbers of passive memberships, which no event reports, and with marks in the order of their texts.
 */
export function comparable<T extends Comparable>(state: T): T {
  return {
    ...state,
    memberships: state.memberships.map((membership) => ({
      ...membership,
      last_time_read: '',
      conference: { ...membership.conference, ...(membership.type.passive && { highest_local_no: 0 }) },
    })),
    marks: state.marks.toSorted((a, b) => a.text_no - b.text_no),
  }
}
