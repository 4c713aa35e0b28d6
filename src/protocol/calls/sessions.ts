import { array, bool, bytes, int8, int16, int32, latin1, nothing } from '../codec.ts'
import {
  confNo,
  dynamicSessionInfo,
  persNo,
  schedulingInfo,
  sessionInfo,
  sessionInfoIdent,
  sessionNo,
  staticSessionInfo,
  whoInfo,
  whoInfoIdent,
  whoInfoOld,
} from '../types.ts'
import { call } from './call.ts'

/** Requests about sessions: login and logout, the list of sessions, and the messages that a session receives. */
export const sessions = {
  'login-old': call(0, { person: persNo, passwd: latin1 }, nothing, 'obsolete'),
  logout: call(1, {}, nothing),
  'change-conference': call(2, { conference: confNo }, nothing),
  'change-what-i-am-doing': call(4, { whatAmIDoing: latin1 }, nothing),
  'who-is-on-old': call(39, {}, array(whoInfoOld), 'obsolete'),
  enable: call(42, { level: int8 }, nothing),
  broadcast: call(45, { message: bytes }, nothing, 'obsolete'),
  'who-is-on': call(51, {}, array(whoInfo), 'obsolete'),
  'send-message': call(53, { recipient: confNo, message: bytes }, nothing),
  'get-session-info': call(54, { sessionNo }, sessionInfo, 'obsolete'),
  disconnect: call(55, { sessionNo }, nothing),
  'who-am-i': call(56, {}, sessionNo),
  login: call(62, { person: persNo, passwd: latin1, invisible: bool }, nothing),
  'who-is-on-ident': call(63, {}, array(whoInfoIdent), 'obsolete'),
  'get-session-info-ident': call(64, { sessionNo }, sessionInfoIdent, 'obsolete'),
  'set-client-version': call(69, { clientName: latin1, clientVersion: latin1 }, nothing),
  'get-client-name': call(70, { session: sessionNo }, latin1),
  'get-client-version': call(71, { session: sessionNo }, latin1),
  'accept-async': call(80, { requestList: array(int32) }, nothing),
  'query-async': call(81, {}, array(int32)),
  'user-active': call(82, {}, nothing),
  'who-is-on-dynamic': call(
    83,
    { wantVisible: bool, wantInvisible: bool, activeLast: int32 },
    array(dynamicSessionInfo),
  ),
  'get-static-session-info': call(84, { sessionNo }, staticSessionInfo),
  'get-scheduling': call(118, { sessionNo }, schedulingInfo, 'experimental'),
  'set-scheduling': call(119, { sessionNo, priority: int16, weight: int16 }, nothing, 'experimental'),
  'set-connection-time-format': call(120, { useUtc: bool }, nothing),
} as const
