import { array, bytes, int8, int32, latin1, nothing } from '../codec.ts'
import {
  auxItemInput,
  auxNo,
  info,
  infoOld,
  staticServerInfo,
  stats,
  statsDescription,
  textNo,
  time,
  versionInfo,
} from '../types.ts'
import { call } from './call.ts'

/** Requests about the server itself. */
export const server = {
  'get-time': call(35, {}, time),
  'get-info-old': call(36, {}, infoOld, 'obsolete'),
  'set-motd-of-lyskom': call(41, { textNo }, nothing),
  'sync-kom': call(43, {}, nothing),
  'shutdown-kom': call(44, { exitVal: int8 }, nothing),
  'get-version-info': call(75, {}, versionInfo),
  'set-info': call(79, { info: infoOld }, nothing),
  'get-collate-table': call(85, {}, bytes),
  'get-info': call(94, {}, info),
  'modify-system-info': call(95, { itemsToDelete: array(auxNo), itemsToAdd: array(auxItemInput) }, nothing),
  'query-predefined-aux-items': call(96, {}, array(int32)),
  'get-stats-description': call(111, {}, statsDescription),
  'get-stats': call(112, { what: latin1 }, array(stats)),
  'get-boottime-info': call(113, {}, staticServerInfo),
} as const
