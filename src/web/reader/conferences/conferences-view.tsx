import './conferences.css'
import type { Membership } from 'komgate/client'
import { useState } from 'preact/hooks'
import { Field } from '../../shared/field.tsx'
import { fragmentOf } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { ViewHeading } from '../shell/view-heading.tsx'
import { t as common } from '../strings/index.ts'
import { CreateForm } from './create-form.tsx'
import { MembershipPanel } from './membership-panel.tsx'
import { matchesName } from './name-match.ts'
import { isNewcomer } from './newcomer.tsx'
import { OtherConferences } from './others.tsx'
import { t } from './strings.ts'

/** The conferences of the person in reading order, the other ones of the server, and a form to create one. */
export function ConferencesView({ reader }: { reader: Reader }) {
  const strings = t.value
  const [pattern, setPattern] = useState('')
  const [openNo, setOpenNo] = useState<number | undefined>(undefined)
  const { memberships } = reader.state.value
  const shown = memberships.filter(({ conference }) => matchesName(conference.name, pattern))
  return (
    <section class="conferences" aria-labelledby="conferences">
      <ViewHeading id="conferences" title={common.value.allConferences} />
      {isNewcomer(reader) && <p class="note">{strings.newcomer}</p>}
      <Field id="conference-filter" label={strings.filter} hint={strings.filterHint} error={undefined}>
        {(parts) => (
          <input
            {...parts}
            type="text"
            autocomplete="off"
            spellcheck={false}
            value={pattern}
            onInput={({ currentTarget: { value } }) => setPattern(value)}
          />
        )}
      </Field>
      <section aria-labelledby="yours">
        <h2 id="yours">{strings.yours}</h2>
        {shown.length === 0 && <p class="quiet">{strings.noneOfYours}</p>}
        <ul class="rows" aria-labelledby="yours">
          {shown.map((membership) => {
            const { conf_no } = membership.conference
            return (
              <MemberRow
                key={conf_no}
                reader={reader}
                membership={membership}
                isOpen={openNo === conf_no}
                onToggle={() => setOpenNo(openNo === conf_no ? undefined : conf_no)}
              />
            )
          })}
        </ul>
      </section>
      <OtherConferences reader={reader} pattern={pattern} />
      <details class="new-conference">
        <summary>{strings.create}</summary>
        <CreateForm reader={reader} />
      </details>
    </section>
  )
}

function MemberRow({
  reader,
  membership,
  isOpen,
  onToggle,
}: {
  reader: Reader
  membership: Membership
  isOpen: boolean
  onToggle: () => void
}) {
  const strings = t.value
  const {
    conference: { conf_no, name },
    priority,
    type,
  } = membership
  const unread = reader.unread.value.find((each) => each.conf_no === conf_no)?.unread_texts.length ?? 0
  return (
    <li>
      <a href={fragmentOf(reader.server, 'conferences', conf_no)}>
        <bdi>{name}</bdi>
      </a>
      <span class="meta">
        {unread > 0 && <span class="badge">{common.value.unreadCount(unread)}</span>}
        {type.passive === 1 && <span class="quiet">{strings.isPassive}</span>}
        <span class="quiet priority">{strings.priorityIs(priority)}</span>
        <button
          type="button"
          class="plain"
          aria-expanded={isOpen}
          aria-label={strings.membershipIn(name)}
          onClick={onToggle}
        >
          {strings.membership}
        </button>
      </span>
      {isOpen && <MembershipPanel reader={reader} membership={membership} />}
    </li>
  )
}
