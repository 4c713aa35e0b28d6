import type { Membership } from 'komgate/client'
import { useAction } from '../../shared/use-action.ts'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { setFlags } from './membership.ts'
import { t } from './strings.ts'

/** A membership that another person has made, until it is accepted or ended. */
export function Invitation({ reader, membership }: { reader: Reader; membership: Membership }) {
  const strings = t.value
  const action = useAction()
  const { pers_no, conference, added_by, type } = membership
  if (type.invitation === 0 || added_by.pers_no === pers_no) return null
  const accept = (): Promise<void> => setFlags(reader.kom, membership, { invitation: false })
  const decline = (): Promise<void> => reader.kom.memberships.remove(pers_no, conference.conf_no)
  return (
    <div class="note">
      <span>{strings.invited(added_by.pers_name)}</span>
      <button type="button" aria-disabled={action.isBusy} onClick={() => void action.run(accept)}>
        {strings.accept}
      </button>
      <button type="button" aria-disabled={action.isBusy} onClick={() => void action.run(decline)}>
        {strings.decline}
      </button>
      <Failure error={action.error} />
    </div>
  )
}
