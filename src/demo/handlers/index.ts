import type { Handlers } from '../context.ts'
import { conferences } from './conferences.ts'
import { deleting } from './deleting.ts'
import { linking } from './linking.ts'
import { memberships } from './memberships.ts'
import { names } from './names.ts'
import { persons } from './persons.ts'
import { reading } from './reading.ts'
import { server } from './server.ts'
import { sessions } from './sessions.ts'
import { settings } from './settings.ts'
import { textInfo } from './text-info.ts'
import { texts } from './texts.ts'

/** Handlers of the calls that the demo server supports. All other calls return `not-implemented`. */
export const HANDLERS: Partial<Handlers> = {
  ...sessions,
  ...server,
  ...names,
  ...conferences,
  ...settings,
  ...persons,
  ...memberships,
  ...reading,
  ...texts,
  ...textInfo,
  ...deleting,
  ...linking,
}
