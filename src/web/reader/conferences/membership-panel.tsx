import './membership.css'
import type { Membership } from 'komgate/client'
import { useEffect, useState } from 'preact/hooks'
import { useAction } from '../../shared/use-action.ts'
import type { Reader } from '../reading/reader.ts'
import { Confirm } from '../shell/confirm.tsx'
import { Failure } from '../shell/failure.tsx'
import { Invitation } from './invitation.tsx'
import { type Flags, MAX_PRIORITY, moveTo, placeNextTo, setFlags } from './membership.ts'
import { NumberForm } from './number-form.tsx'
import { t } from './strings.ts'

/** What a member may change about a membership: its place in reading order, what is unread, its flags, and its end. */
export function MembershipPanel({ reader, membership }: { reader: Reader; membership: Membership }) {
  const strings = t.value
  const { conference } = membership
  return (
    <section class="membership" aria-label={strings.membershipIn(conference.name)}>
      <Invitation reader={reader} membership={membership} />
      <Order reader={reader} membership={membership} />
      <CatchUp reader={reader} membership={membership} />
      <FlagBoxes reader={reader} membership={membership} />
      {conference.conf_no !== membership.pers_no && <Leave reader={reader} membership={membership} />}
    </section>
  )
}

function Order({ reader, membership }: { reader: Reader; membership: Membership }) {
  const strings = t.value
  const action = useAction()
  const { memberships } = reader.state.value
  const index = memberships.findIndex(({ conference }) => conference.conf_no === membership.conference.conf_no)
  const moves = [
    { label: strings.earlier, other: memberships[index - 1], isBefore: true },
    { label: strings.later, other: memberships[index + 1], isBefore: false },
  ]
  return (
    <div class="part">
      <NumberForm
        id={`priority-${membership.conference.conf_no}`}
        label={strings.priority}
        hint={strings.priorityHint}
        wrong={strings.priorityIsWrong}
        submit={strings.save}
        value={membership.priority}
        max={MAX_PRIORITY}
        onSubmit={(priority) => moveTo(reader.kom, membership, { priority, position: membership.position })}
      />
      <p class="actions">
        {moves.map(({ label, other, isBefore }) => (
          <button
            key={label}
            type="button"
            aria-disabled={other === undefined || action.isBusy}
            onClick={() => {
              if (other === undefined) return
              void action.run(() => moveTo(reader.kom, membership, placeNextTo(membership, other, isBefore)))
            }}
          >
            {label}
          </button>
        ))}
      </p>
      <Failure error={action.error} />
    </div>
  )
}

function CatchUp({ reader, membership: { conference } }: { reader: Reader; membership: Membership }) {
  const strings = t.value
  return (
    <div class="part">
      <NumberForm
        id={`catch-up-${conference.conf_no}`}
        label={strings.keepNewest}
        hint={strings.keepNewestHint}
        wrong={strings.countIsWrong}
        submit={strings.catchUp}
        value={0}
        onSubmit={async (count) => {
          // Texts that were read here before are not to be read again after it.
          await reader.marks.flush()
          await reader.kom.memberships.setUnread(conference.conf_no, count)
          reader.notice.value = strings.caughtUp(conference.name)
        }}
      />
    </div>
  )
}

function FlagBoxes({ reader, membership }: { reader: Reader; membership: Membership }) {
  const strings = t.value
  const action = useAction()
  const [wanted, setWanted] = useState<Flags>({})
  const { type, conference } = membership
  // The membership has what was wanted, or has been changed elsewhere.
  useEffect(() => setWanted({}), [type.passive, type.secret])
  const flags = [
    { flag: 'passive', label: strings.passive },
    ...(conference.type.forbid_secret === 1 ? [] : [{ flag: 'secret', label: strings.secret } as const]),
  ] as const
  const set = async (change: Flags): Promise<void> => {
    if (action.isBusy) {
      // Displays the box as it was.
      setWanted({ ...wanted })
      return
    }
    setWanted(change)
    const isDone = await action.run(() => setFlags(reader.kom, membership, change))
    if (!isDone) setWanted({})
  }
  return (
    <div class="part">
      {flags.map(({ flag, label }) => (
        <label key={flag} class="check">
          <input
            type="checkbox"
            checked={wanted[flag] ?? type[flag] === 1}
            aria-disabled={action.isBusy}
            onChange={({ currentTarget: { checked } }) => void set({ [flag]: checked })}
          />
          {label}
        </label>
      ))}
      <Failure error={action.error} />
    </div>
  )
}

function Leave({ reader, membership: { pers_no, conference } }: { reader: Reader; membership: Membership }) {
  const strings = t.value
  return (
    <div class="part">
      <Confirm
        label={strings.leave}
        question={strings.leaveAsks(conference.name)}
        yes={strings.leaveNow}
        no={strings.stay}
        act={async () => {
          await reader.kom.memberships.remove(pers_no, conference.conf_no)
          reader.notice.value = strings.left(conference.name)
        }}
      />
    </div>
  )
}
