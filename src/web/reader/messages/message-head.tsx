import type { Reader } from '../reading/reader.ts'
import { ConferenceLink, PersonLink, Time } from '../shell/parts.tsx'
import type { Message } from './message.ts'
import { t } from './strings.ts'

/** Who has sent a message, to whom, and when. */
export function MessageHead({ reader, message }: { reader: Reader; message: Message }) {
  const strings = t.value
  const { sender, recipient, time } = message
  const ownNo = reader.state.value.person?.pers_no
  return (
    <p class="message-head">
      {sender.conf_no === ownNo ? (
        <span>{strings.fromYou}</span>
      ) : (
        <PersonLink server={reader.server} person={{ pers_no: sender.conf_no, pers_name: sender.name }} />
      )}
      <span class="quiet">
        {recipient === null && strings.toEveryone}
        {recipient?.conf_no === ownNo && strings.toYou}
        {recipient !== null && recipient.conf_no !== ownNo && (
          <>
            {strings.toOther} <ConferenceLink server={reader.server} conference={recipient} />
          </>
        )}
      </span>
      <span class="quiet">
        <Time time={time} />
      </span>
    </p>
  )
}
