import type { MountedApi } from '../http/declared-routes.ts'
import type { AnyRoute } from '../http/routes/route.ts'
import { under } from './compat-api.ts'
import { microappApi } from './microapp.ts'
import { type RestSessionsOptions, restSessionsApi } from './rest-sessions.ts'
import { type SessmanOptions, sessmanApi } from './sessman.ts'

/** Every compatibility API by its id in the setting `compat`, in the order of registration. */
const APIS = {
  // Before REST-Sessions, which would read `/sessman/activity` as the activity of an application.
  sessman: { name: 'sessman', path: '/sessman', routes: sessmanApi },
  'rest-sessions': { name: 'REST-Sessions', path: '/', routes: restSessionsApi },
  microapp: { name: 'Session Manager microapp', path: '/', routes: microappApi },
}

/** The id of a compatibility API in the setting `compat`. */
export type CompatApiName = keyof typeof APIS

/** The ids of the session managers whose HTTP interfaces the gateway can serve. */
export const COMPAT_APIS = ['rest-sessions', 'sessman', 'microapp'] as const satisfies readonly CompatApiName[]

/** Options of all compatibility APIs. */
export interface CompatApisOptions extends RestSessionsOptions, SessmanOptions {}

/** Creates the compatibility APIs with these ids for `createApp`. */
export function compatApis(ids: readonly CompatApiName[], options: CompatApisOptions): MountedApi[] {
  return Object.entries(APIS)
    .filter(([id]) => ids.includes(id as CompatApiName))
    .map(([, { name, path, routes }]) => {
      const declared = under(path, routes(options))
      return { name, routes: options.appKeys.isOpen ? declared.map(withoutKey) : declared }
    })
}

/** Returns the declaration of a route that accepts any key and none. */
function withoutKey({ needs, rejects = [], ...route }: AnyRoute): AnyRoute {
  return {
    ...route,
    needs: needs === 'app-key' ? 'nothing' : needs,
    rejects: rejects.filter((code) => code !== 'invalid-key' && code !== 'key-failures'),
  }
}
