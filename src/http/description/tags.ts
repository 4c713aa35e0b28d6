import type { AnyRoute } from '../routes/route.ts'

/** The groups of endpoints, in the order of the description. */
const TAGS = {
  gateway: 'The gateway itself: its LysKOM servers, its description.',
  sessions: 'Sessions: opening and ending them, logging in and out.',
  server: 'The LysKOM server.',
  conferences: 'Conferences, and the letterboxes of persons.',
  persons: 'Persons.',
  memberships: 'Memberships and unread texts.',
  texts: 'Texts, marks and read markings.',
  messages: 'Messages to persons who are logged in.',
  batch: 'Many requests in one.',
  events: 'Events, and the WebSocket.',
  calls: 'The calls of Protocol A, with parameters and replies in JSON.',
  observability: 'Metrics and health checks.',
  administration: 'The sessions of all clients, for operators.',
} as const satisfies Readonly<Record<string, string>>

/** Segments of paths that belong to a group of another name. */
const SEGMENTS: Readonly<Record<string, keyof typeof TAGS>> = {
  textstats: 'texts',
  websocket: 'events',
  metrics: 'observability',
  live: 'observability',
  ready: 'observability',
  admin: 'administration',
}

/** Returns the group of a route: the last resource in its path, unless the route names one. */
export function tagOf({ path, tag }: AnyRoute): string {
  if (tag !== undefined) return tag
  const segments = path.split('/')
  const [first = ''] = segments.slice(1)
  if (first in SEGMENTS) return SEGMENTS[first] as string
  return segments.reduce((found, segment) => (segment in TAGS ? segment : (SEGMENTS[segment] ?? found)), 'gateway')
}

/** Returns the declarations of the groups with these names; those of other APIs come last. */
export function tagObjects(used: ReadonlySet<string>): { name: string; description: string }[] {
  const known = Object.entries(TAGS).filter(([name]) => used.has(name))
  const others = [...used].filter((name) => !(name in TAGS))
  return [
    ...known.map(([name, description]) => ({ name, description })),
    ...others.map((name) => ({ name, description: `The API of ${name}, for its clients.` })),
  ]
}
