/**
 * The data types of Protocol A 11.1 (chapter LysKOM Data Types), in the specification's order and under its names. Each
 * codec has the name of its type in camelCase: `confType` is Conf-Type. The headings are those of the specification.
 * test/protocol/specification.test.ts compares the codecs with the specification.
 */

import { BOUNDS } from './bounds.ts'
import {
  array,
  bits,
  bool,
  bytes,
  eitherBits,
  enumerationOf,
  float,
  type Infer,
  int8,
  int16,
  int32,
  latin1,
  named,
  selection,
  struct,
} from './codec.ts'
import { ProtocolError } from './errors.ts'

// Common Types

/**
 * Broken-down time, as in C's `struct tm`: `month` counts from 0 and `year` from 1900. It is in UTC after call 120,
 * set-connection-time-format, and in the server's local time before.
 */
export const time = named(
  'Time',
  struct({
    seconds: int32,
    minutes: int32,
    hours: int32,
    day: int32,
    month: int32,
    year: int32,
    dayOfWeek: int32,
    dayOfYear: int32,
    isDst: bool,
  }),
)
export type Time = Infer<typeof time>

export const confNo = named('Conf-No', int16)
export const textNo = named('Text-No', int32)
export const localTextNo = named('Local-Text-No', int32)
export const textList = named(
  'Text-List',
  struct({ firstLocalNo: localTextNo, texts: array(textNo, BOUNDS.longArray) }),
)
export const persNo = named('Pers-No', confNo)
export const sessionNo = named('Session-No', int32)

// Auxiliary Information

export const auxNo = named('Aux-No', int32)
export const auxItemFlags = named(
  'Aux-Item-Flags',
  bits('deleted', 'inherit', 'secret', 'hideCreator', 'dontGarb', 'reserved2', 'reserved3', 'reserved4'),
)
export const auxItem = named(
  'Aux-Item',
  struct({
    auxNo,
    tag: int32,
    creator: persNo,
    createdAt: time,
    flags: auxItemFlags,
    inheritLimit: int32,
    data: bytes,
  }),
)
export type AuxItem = Infer<typeof auxItem>
export const auxItemInput = named(
  'Aux-Item-Input',
  struct({ tag: int32, flags: auxItemFlags, inheritLimit: int32, data: bytes }),
)
export type AuxItemInput = Infer<typeof auxItemInput>

// Conference Types

export const confType = named('Conf-Type', bits('rdProt', 'original', 'secret', 'letterbox'))
export type ConfType = Infer<typeof confType>
export const extendedConfType = named(
  'Extended-Conf-Type',
  bits('rdProt', 'original', 'secret', 'letterbox', 'allowAnonymous', 'forbidSecret', 'reserved2', 'reserved3'),
)
export type ExtendedConfType = Infer<typeof extendedConfType>
export const anyConfType = named('Any-Conf-Type', eitherBits(confType, extendedConfType))

// Conference Search Results

export const confZInfo = named('Conf-Z-Info', struct({ name: latin1, type: confType, confNo }))
export type ConfZInfo = Infer<typeof confZInfo>

// Conference Status Types

export const garbNice = named('Garb-Nice', int32)
const conferenceHead = {
  creationTime: time,
  lastWritten: time,
  creator: persNo,
  presentation: textNo,
  supervisor: confNo,
  permittedSubmitters: confNo,
  superConf: confNo,
  msgOfDay: textNo,
  nice: garbNice,
}
export const conferenceOld = named(
  'Conference-Old',
  struct({
    name: latin1,
    type: confType,
    ...conferenceHead,
    noOfMembers: int16,
    firstLocalNo: localTextNo,
    noOfTexts: int32,
  }),
)
export const conference = named(
  'Conference',
  struct({
    name: latin1,
    type: extendedConfType,
    ...conferenceHead,
    keepCommented: garbNice,
    noOfMembers: int16,
    firstLocalNo: localTextNo,
    noOfTexts: int32,
    expire: garbNice,
    auxItems: array(auxItem),
  }),
)
export type Conference = Infer<typeof conference>
export const uConference = named(
  'UConference',
  struct({ name: latin1, type: extendedConfType, highestLocalNo: localTextNo, nice: garbNice }),
)
export type UConference = Infer<typeof uConference>

// Archaic way to list conferences

/** Two arrays of the same length, which is written only once: `3 { 2 4 6 } { 0000 1001 0000 }` or `0 * *`. */
export const confListArchaic = named('Conf-List-Archaic', {
  schema: struct({ confNos: array(confNo), confTypes: array(confType) }).schema,
  read(reader) {
    const confNos = array(confNo).read(reader)
    const confTypes: ConfType[] = []
    // Both arrays have the same length, so the bound of the first one applies to the second.
    if (reader.arrayOpen()) {
      for (let i = 0; i < confNos.length; i++) confTypes.push(confType.read(reader))
      reader.arrayEnd()
    }
    return { confNos, confTypes }
  },
  write(writer, value: { confNos: number[]; confTypes: ConfType[] }) {
    if (value.confNos.length !== value.confTypes.length) {
      throw new ProtocolError('unwritable', 'two arrays of different lengths')
    }
    if (value.confNos.length === 0) {
      writer.arrayLength(0)
      writer.star()
      return
    }
    array(confNo).write(writer, value.confNos)
    writer.arrayOpen()
    for (const type of value.confTypes) confType.write(writer, type)
    writer.arrayEnd()
  },
})

// Mapping Local to Global Text Numbers

export const textNumberPair = named('Text-Number-Pair', struct({ localNumber: localTextNo, globalNumber: textNo }))
export const localToGlobalBlock = named(
  'Local-To-Global-Block',
  selection({
    sparse: [0, 'sparse-block', array(textNumberPair)],
    dense: [1, 'dense-block', textList],
  }),
)
export const textMapping = named(
  'Text-Mapping',
  struct({ rangeBegin: localTextNo, rangeEnd: localTextNo, moreTextsExists: bool, block: localToGlobalBlock }),
)
export type TextMapping = Infer<typeof textMapping>

// Server Information

const infoOldFields = {
  version: int32,
  confPresConf: confNo,
  persPresConf: confNo,
  motdConf: confNo,
  komNewsConf: confNo,
  motdOfLyskom: textNo,
}
export const info = named('Info', struct({ ...infoOldFields, auxItemList: array(auxItem) }))
export type Info = Infer<typeof info>
export const infoOld = named('Info-Old', struct(infoOldFields))
export const versionInfo = named(
  'Version-Info',
  struct({ protocolVersion: int32, serverSoftware: latin1, softwareVersion: latin1 }),
)
export const staticServerInfo = named(
  'Static-Server-Info',
  struct({
    bootTime: time,
    saveTime: time,
    dbStatus: latin1,
    existingTexts: int32,
    highestTextNo: textNo,
    existingConfs: int32,
    existingPersons: int32,
    highestConfNo: confNo,
  }),
)

// Person Status Types

export const personalFlags = named(
  'Personal-Flags',
  bits('unreadIsSecret', 'flg2', 'flg3', 'flg4', 'flg5', 'flg6', 'flg7', 'flg8'),
)
export const privBits = named(
  'Priv-Bits',
  bits(
    'wheel',
    'admin',
    'statistic',
    'createPers',
    'createConf',
    'changeName',
    'flg7',
    'flg8',
    'flg9',
    'flg10',
    'flg11',
    'flg12',
    'flg13',
    'flg14',
    'flg15',
    'flg16',
  ),
)
export type PrivBits = Infer<typeof privBits>
export const person = named(
  'Person',
  struct({
    username: latin1,
    privileges: privBits,
    flags: personalFlags,
    lastLogin: time,
    userArea: textNo,
    totalTimePresent: int32,
    sessions: int32,
    createdLines: int32,
    createdBytes: int32,
    readTexts: int32,
    noOfTextFetches: int32,
    createdPersons: int16,
    createdConfs: int16,
    firstCreatedLocalNo: int32,
    noOfCreatedTexts: int32,
    noOfMarks: int16,
    noOfConfs: int16,
  }),
)
export type Person = Infer<typeof person>

// Membership Information

export const membershipType = named(
  'Membership-Type',
  bits('invitation', 'passive', 'secret', 'passiveMessageInvert', 'reserved2', 'reserved3', 'reserved4', 'reserved5'),
)
export type MembershipType = Infer<typeof membershipType>
export const member = named('Member', struct({ member: persNo, addedBy: persNo, addedAt: time, type: membershipType }))
export const readRange = named('Read-Range', struct({ firstRead: localTextNo, lastRead: localTextNo }))
const membershipTail = { addedBy: persNo, addedAt: time, type: membershipType }
export const membership = named(
  'Membership',
  struct({
    position: int32,
    lastTimeRead: time,
    conference: confNo,
    priority: int8,
    readRanges: array(readRange, BOUNDS.longArray),
    ...membershipTail,
  }),
)
export type Membership = Infer<typeof membership>
const membershipOldFields = {
  lastTimeRead: time,
  conference: confNo,
  priority: int8,
  lastTextRead: localTextNo,
  readTexts: array(localTextNo, BOUNDS.longArray),
}
export const membershipOld = named('Membership-Old', struct(membershipOldFields))
export const membership10 = named(
  'Membership-10',
  struct({ position: int32, ...membershipOldFields, ...membershipTail }),
)

// Article Marks

export const mark = named('Mark', struct({ textNo, type: int8 }))

// Article Information

export const miscInfo = named(
  'Misc-Info',
  selection({
    recpt: [0, 'recipient', confNo],
    'cc-recpt': [1, 'cc-recipient', confNo],
    'comm-to': [2, 'comment-to', textNo],
    'comm-in': [3, 'commented-in', textNo],
    'footn-to': [4, 'footnote-to', textNo],
    'footn-in': [5, 'footnoted-in', textNo],
    'loc-no': [6, 'local-no', localTextNo],
    'rec-time': [7, 'received-at', time],
    'sent-by': [8, 'sender', persNo],
    'sent-at': [9, 'sent-at', time],
    'bcc-recpt': [15, 'bcc-recipient', confNo],
  }),
)
export type MiscInfo = Infer<typeof miscInfo>
export const infoType = named('Info-Type', enumerationOf(miscInfo))
const textStatOldFields = {
  creationTime: time,
  author: persNo,
  noOfLines: int32,
  noOfChars: int32,
  noOfMarks: int16,
  miscInfo: array(miscInfo),
}
export const textStatOld = named('Text-Stat-Old', struct(textStatOldFields))
export const textStat = named('Text-Stat', struct({ ...textStatOldFields, auxItems: array(auxItem) }))
export type TextStat = Infer<typeof textStat>

// Who Information

export const whoInfoOld = named(
  'Who-Info-Old',
  struct({ person: persNo, workingConference: confNo, whatAmIDoing: latin1 }),
)
const whoInfoFields = {
  person: persNo,
  workingConference: confNo,
  session: sessionNo,
  whatAmIDoing: latin1,
  username: latin1,
}
const identFields = { hostname: latin1, identUser: latin1 }
export const whoInfo = named('Who-Info', struct(whoInfoFields))
export const whoInfoIdent = named('Who-Info-Ident', struct({ ...whoInfoFields, ...identFields }))

// Session Information

const idleFields = { idleTime: int32, connectionTime: time }
export const sessionInfo = named('Session-Info', struct({ ...whoInfoFields, ...idleFields }))
export const sessionInfoIdent = named('Session-Info-Ident', struct({ ...whoInfoFields, ...identFields, ...idleFields }))
export const staticSessionInfo = named(
  'Static-Session-Info',
  struct({ username: latin1, ...identFields, connectionTime: time }),
)
export const sessionFlags = named(
  'Session-Flags',
  bits('invisible', 'userActiveUsed', 'userAbsent', 'reserved3', 'reserved4', 'reserved5', 'reserved6', 'reserved7'),
)
export const dynamicSessionInfo = named(
  'Dynamic-Session-Info',
  struct({
    session: sessionNo,
    person: persNo,
    workingConference: confNo,
    idleTime: int32,
    flags: sessionFlags,
    whatAmIDoing: latin1,
  }),
)
export const schedulingInfo = named('Scheduling-Info', struct({ priority: int16, weight: int16 }))

// Statistics

export const stats = named('Stats', struct({ average: float, ascentRate: float, descentRate: float }))
export const statsDescription = named('Stats-Description', struct({ what: array(latin1), when: array(int32) }))
