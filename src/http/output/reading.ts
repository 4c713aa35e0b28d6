/** Conversion of pages of texts, threads and the list of sessions to the public JSON of `schemas/`. */
import type { OnlineSession } from '../../lyskom/online.ts'
import type { TextOverview } from '../../lyskom/subjects.ts'
import type { TextPage } from '../../lyskom/text-pages.ts'
import type { Thread } from '../../lyskom/thread.ts'
import { conferenceNameJson, personJson, textHeadJson } from './json.ts'
import type * as Json from './schemas/index.ts'

/** Converts a page of texts. */
export function textPageJson({ texts, nextBefore }: TextPage): Json.TextPage {
  return {
    texts: texts.map((text) => Object.assign(overviewJson(text), { body: null })),
    has_more: nextBefore !== null,
    next_before: nextBefore,
  }
}

/** Converts a thread. */
export function threadJson({ root, texts, truncated }: Thread): Json.Thread {
  return {
    root,
    texts: Object.fromEntries(texts.map((text) => [text.head.textNo, overviewJson(text)])),
    order: texts.map(({ head }) => head.textNo),
    truncated,
  }
}

function overviewJson({ head, subject }: TextOverview): Json.ThreadText {
  return Object.assign(textHeadJson(head), { subject })
}

/** Converts a session of a person. */
export function onlineSessionJson(session: OnlineSession): Json.OnlineSession {
  const { sessionNo, person, workingConference, idle, client, whatAmIDoing, address } = session
  return {
    session_no: sessionNo,
    person: personJson(person),
    working_conference: workingConference && conferenceNameJson(workingConference),
    idle,
    client,
    what_am_i_doing: whatAmIDoing,
    address,
  }
}
