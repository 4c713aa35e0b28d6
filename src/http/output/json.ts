/** Conversion of LysKOM values to the public JSON of `schemas/`: snake_case, in the shapes of the httpkom API. */
import type { Conference, MicroConference, NamedAuxItem } from '../../lyskom/conferences.ts'
import { latin1 } from '../../lyskom/content.ts'
import type { Membership } from '../../lyskom/memberships.ts'
import type { ConferenceName, PersonName } from '../../lyskom/names.ts'
import type { ServerInfo } from '../../lyskom/server-info.ts'
import type { Link, Recipient, Text, TextHead } from '../../lyskom/texts.ts'
import type { Unread } from '../../lyskom/unread.ts'
import { AUX_ITEMS, KOMFEEDER_ITEMS } from '../../protocol/aux-items.ts'
import type { Reply } from '../../protocol/calls/index.ts'
import { isoTime } from '../../protocol/json/time.ts'
import type { ExtendedConfType } from '../../protocol/types.ts'
import { LISTED_TAGS } from './schemas/aux-items.ts'
import type * as Json from './schemas/index.ts'

/** Converts a person. */
export function personJson({ persNo, name }: PersonName): Json.Person {
  return { pers_no: persNo, pers_name: name }
}

/** Converts the number and name of a conference. */
export function conferenceNameJson({ confNo, name }: ConferenceName): Json.ConferenceName {
  return { conf_no: confNo, name }
}

/** Null stands for a missing value. */
function orNull<T, J>(value: T | null, json: (value: T) => J): J | null {
  return value === null ? null : json(value)
}

/** Flags are numbers in this API, 0 and 1. */
function flag(bit: boolean): 0 | 1 {
  return bit ? 1 : 0
}

function conferenceTypeJson(type: ExtendedConfType): Json.ConferenceType {
  return {
    rd_prot: flag(type.rdProt),
    original: flag(type.original),
    secret: flag(type.secret),
    letterbox: flag(type.letterbox),
    allow_anonymous: flag(type.allowAnonymous),
    forbid_secret: flag(type.forbidSecret),
    reserved2: flag(type.reserved2),
    reserved3: flag(type.reserved3),
  }
}

/** Converts the short form of a conference. */
export function microConferenceJson({
  confNo,
  name,
  type,
  highestLocalNo,
  nice,
}: MicroConference): Json.MicroConference {
  return { conf_no: confNo, name, type: conferenceTypeJson(type), highest_local_no: highestLocalNo, nice }
}

/** Converts a conference with all its properties. */
export function conferenceJson(conference: Conference): Json.Conference {
  return {
    conf_no: conference.confNo,
    name: conference.name,
    type: conferenceTypeJson(conference.type),
    creation_time: isoTime(conference.creationTime),
    last_written: isoTime(conference.lastWritten),
    creator: personJson(conference.creator),
    presentation: conference.presentation,
    supervisor: orNull(conference.supervisor, conferenceNameJson),
    permitted_submitters: orNull(conference.permittedSubmitters, conferenceNameJson),
    super_conf: orNull(conference.superConf, conferenceNameJson),
    msg_of_day: conference.msgOfDay,
    nice: conference.nice,
    keep_commented: conference.keepCommented,
    no_of_members: conference.noOfMembers,
    first_local_no: conference.firstLocalNo,
    no_of_texts: conference.noOfTexts,
    expire: conference.expire,
    aux_items: auxItemsJson(conference.auxItems),
  }
}

/** Converts a membership. */
export function membershipJson(membership: Membership): Json.Membership {
  const { type } = membership
  return {
    pers_no: membership.persNo,
    position: membership.position,
    last_time_read: isoTime(membership.lastTimeRead),
    conference: microConferenceJson(membership.conference),
    priority: membership.priority,
    added_by: personJson(membership.addedBy),
    added_at: isoTime(membership.addedAt),
    type: {
      invitation: flag(type.invitation),
      passive: flag(type.passive),
      secret: flag(type.secret),
      passive_message_invert: flag(type.passiveMessageInvert),
    },
  }
}

/** Converts the unread texts of a person in a conference. */
export function unreadJson({ persNo, confNo, textNos }: Unread): Json.Unread {
  return { pers_no: persNo, conf_no: confNo, no_of_unread: textNos.length, unread_texts: textNos }
}

/** Does the same, with the local numbers. */
export function numberedUnreadJson(unread: Unread): Json.NumberedUnread {
  return { ...unreadJson(unread), local_nos: unread.localNos }
}

/** Converts a mark of the person. */
export function markJson({ textNo, type }: Reply<'get-marks'>[number]): Json.Mark {
  return { text_no: textNo, type }
}

/** Converts a text without subject and body. */
export function textHeadJson(text: TextHead): Omit<Json.Text, 'subject' | 'body'> {
  return {
    text_no: text.textNo,
    author: personJson(text.author),
    no_of_marks: text.noOfMarks,
    creation_time: isoTime(text.creationTime),
    content_type: text.contentType.type,
    recipient_list: text.recipients.map(recipientJson),
    comment_to_list: text.commentTo.map(linkJson),
    comment_in_list: text.commentIn.map(linkJson),
    aux_items: auxItemsJson(text.auxItems),
  }
}

/** Converts a text. Only texts with a textual content type have a `body`. */
export function textJson({ head, content }: Text): Json.Text {
  const json = textHeadJson(head) as Json.Text
  json.subject = content.subject
  if (typeof content.body === 'string') json.body = content.body
  return json
}

function recipientJson({ type, conference, localNo, sentBy, sentAt, receivedAt }: Recipient): Json.Recipient {
  return {
    type,
    recpt: conferenceNameJson(conference),
    loc_no: localNo,
    sent_by: orNull(sentBy, personJson),
    sent_at: orNull(sentAt, isoTime),
    rec_time: orNull(receivedAt, isoTime),
  }
}

function linkJson({ type, textNo, author }: Link): Json.Link {
  return { type, text_no: textNo, author: orNull(author, personJson) }
}

const TAGS = { ...AUX_ITEMS, ...KOMFEEDER_ITEMS }
/** The names of the aux-items in responses, by tag number. */
const LISTED = new Map<number, Json.AuxItem['tag']>(LISTED_TAGS.map((tag) => [TAGS[tag], tag]))

function auxItemsJson(auxItems: readonly NamedAuxItem[]): Json.AuxItem[] {
  return auxItems.flatMap((item) => {
    const tag = LISTED.get(item.tag)
    return tag === undefined ? [] : [auxItemJson(item, tag)]
  })
}

function auxItemJson(
  { auxNo, creator, createdAt, flags, inheritLimit, data }: NamedAuxItem,
  tag: Json.AuxItem['tag'],
): Json.AuxItem {
  return {
    aux_no: auxNo,
    tag,
    creator: personJson(creator),
    created_at: isoTime(createdAt),
    flags: {
      deleted: flag(flags.deleted),
      inherit: flag(flags.inherit),
      secret: flag(flags.secret),
      hide_creator: flag(flags.hideCreator),
      dont_garb: flag(flags.dontGarb),
    },
    inherit_limit: inheritLimit,
    data: latin1(data),
  }
}

/** Converts the information about a LysKOM server. */
export function serverInfoJson(info: ServerInfo): Json.ServerInfo {
  return {
    version: info.version,
    conf_pres_conf: orNull(info.confPresConf, conferenceNameJson),
    pers_pres_conf: orNull(info.persPresConf, conferenceNameJson),
    motd_conf: orNull(info.motdConf, conferenceNameJson),
    kom_news_conf: orNull(info.komNewsConf, conferenceNameJson),
    motd_of_lyskom: info.motdOfLyskom,
  }
}
