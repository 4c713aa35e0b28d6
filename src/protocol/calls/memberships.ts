import { array, bool, int8, int16, int32, nothing } from '../codec.ts'
import {
  confNo,
  localTextNo,
  member,
  membership,
  membership10,
  membershipOld,
  membershipType,
  persNo,
  readRange,
} from '../types.ts'
import { call } from './call.ts'

/** Requests about memberships in conferences, and about the texts that members have read. */
export const memberships = {
  'query-read-texts-old': call(9, { person: persNo, conference: confNo }, membershipOld, 'obsolete'),
  'add-member-old': call(14, { confNo, persNo, priority: int8, where: int16 }, nothing, 'obsolete'),
  'sub-member': call(15, { confNo, persNo }, nothing),
  'mark-as-read': call(27, { conference: confNo, text: array(localTextNo) }, nothing),
  'set-unread': call(40, { confNo, noOfUnread: int32 }, nothing),
  'get-membership-old': call(
    46,
    { person: persNo, first: int16, noOfConfs: int16, wantReadTexts: bool },
    array(membershipOld),
    'obsolete',
  ),
  'get-members-old': call(48, { conf: confNo, first: int16, noOfMembers: int16 }, array(persNo), 'obsolete'),
  'get-unread-confs': call(52, { persNo }, array(confNo)),
  'set-last-read': call(77, { conference: confNo, lastRead: localTextNo }, nothing),
  'query-read-texts-10': call(98, { person: persNo, conference: confNo }, membership10, 'obsolete'),
  'get-membership-10': call(
    99,
    { person: persNo, first: int16, noOfConfs: int16, wantReadTexts: bool },
    array(membership10),
    'obsolete',
  ),
  'add-member': call(100, { confNo, persNo, priority: int8, where: int16, type: membershipType }, nothing),
  'get-members': call(101, { conf: confNo, first: int16, noOfMembers: int16 }, array(member)),
  'set-membership-type': call(102, { pers: persNo, conf: confNo, type: membershipType }, nothing),
  'query-read-texts': call(
    107,
    { person: persNo, conference: confNo, wantReadRanges: bool, maxRanges: int32 },
    membership,
  ),
  'get-membership': call(
    108,
    { person: persNo, first: int16, noOfConfs: int16, wantReadRanges: bool, maxRanges: int32 },
    array(membership),
  ),
  'mark-as-unread': call(109, { conference: confNo, text: localTextNo }, nothing),
  'set-read-ranges': call(110, { conference: confNo, readRanges: array(readRange) }, nothing),
} as const
