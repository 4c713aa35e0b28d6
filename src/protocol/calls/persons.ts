import { array, int32, latin1, nothing } from '../codec.ts'
import {
  auxItemInput,
  localTextNo,
  persNo,
  person,
  personalFlags,
  privBits,
  textList,
  textMapping,
  textNo,
} from '../types.ts'
import { call } from './call.ts'

/** Requests about persons. */
export const persons = {
  'create-person-old': call(5, { name: latin1, passwd: latin1 }, persNo, 'obsolete'),
  'get-person-stat-old': call(6, { person: persNo, mask: int32 }, person, 'obsolete'),
  'set-priv-bits': call(7, { person: persNo, privileges: privBits }, nothing),
  'set-passwd': call(8, { person: persNo, oldPwd: latin1, newPwd: latin1 }, nothing),
  'get-created-texts': call(47, { person: persNo, first: localTextNo, noOfTexts: int32 }, textList, 'obsolete'),
  'get-person-stat': call(49, { persNo }, person),
  'set-user-area': call(57, { persNo, userArea: textNo }, nothing),
  'create-person': call(
    89,
    { name: latin1, passwd: latin1, flags: personalFlags, auxItems: array(auxItemInput) },
    persNo,
  ),
  'map-created-texts': call(104, { author: persNo, firstLocalNo: localTextNo, noOfExistingTexts: int32 }, textMapping),
  'set-pers-flags': call(106, { persNo, flags: personalFlags }, nothing),
  'map-created-texts-reverse': call(
    122,
    { author: persNo, localNoCeiling: localTextNo, noOfExistingTexts: int32 },
    textMapping,
  ),
} as const
