import { type Kom, LyskomError, type Person } from 'komgate/client'
import type { Page } from './pages.tsx'

/** The size of a page. The names of its members are one batch. */
const PAGE_SIZE = 50

/** A member of a conference. */
export interface Member {
  /** null for a secret member */
  person: Person | null
  isPassive: boolean
}

/** Returns a page of the members of a conference. @param first the position of its first member */
export async function listMembers(kom: Kom, confNo: number, first: number): Promise<Page<Member>> {
  const found = await membersFrom(kom, confNo, first)
  const visible = [...new Set(found.map(({ member }) => member))].filter((no) => no !== 0)
  const letterboxes = visible.map((no) => kom.conferences.get(no))
  const outcomes = letterboxes.length === 0 ? [] : await kom.batchSettled(letterboxes)
  const names = new Map(
    outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [[outcome.value.conf_no, outcome.value.name] as const] : [],
    ),
  )
  const rows = found.map(({ member, type }) => {
    const pers_name = names.get(member)
    return { person: pers_name === undefined ? null : { pers_no: member, pers_name }, isPassive: type.passive }
  })
  return { rows, hasMore: found.length === PAGE_SIZE, next: first + found.length }
}

async function membersFrom(kom: Kom, confNo: number, first: number) {
  try {
    return await kom.call('get-members', { conf: confNo, first, no_of_members: PAGE_SIZE })
  } catch (error) {
    // The page before was the last one, and full.
    if (error instanceof LyskomError && error.name === 'IndexOutOfRange') return []
    throw error
  }
}
