import type { MountedApi } from '../http/app.ts'
import { microappApi } from './microapp.ts'
import { type RestSessionsOptions, restSessionsApi } from './rest-sessions.ts'
import { type SessmanOptions, sessmanApi } from './sessman.ts'

/** Every compatibility API by its id in the setting `compat`, in the order of registration. */
const APIS = {
  // Before REST-Sessions, which would read `/sessman/activity` as the activity of an application.
  sessman: { path: '/sessman', create: sessmanApi },
  'rest-sessions': { path: '/', create: restSessionsApi },
  microapp: { path: '/', create: microappApi },
}

/** The id of a compatibility API in the setting `compat`. */
export type CompatApiName = keyof typeof APIS

/** The ids of the session managers whose HTTP interfaces the gateway can serve. */
export const COMPAT_APIS = ['rest-sessions', 'sessman', 'microapp'] as const satisfies readonly CompatApiName[]

/** Options of all compatibility APIs. */
export interface CompatApisOptions extends RestSessionsOptions, SessmanOptions {}

/** Creates the compatibility APIs with these ids for `createApp`. */
export function compatApis(names: readonly CompatApiName[], options: CompatApisOptions): MountedApi[] {
  return Object.entries(APIS)
    .filter(([name]) => names.includes(name as CompatApiName))
    .map(([, { path, create }]) => ({ path, app: create(options) }))
}
