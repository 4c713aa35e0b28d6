import type { RouteExample } from '../../src/http/routes/route.ts'

/** A request to a new demo server that fails. */
export interface ErrorExample extends Pick<RouteExample, 'body'> {
  /** in one sentence, without a period */
  summary: string
  method: string
  path: string
  headers?: Readonly<Record<string, string>>
  /** default: logged in as person 6 */
  session?: 'none' | 'anonymous'
  /** whether the request needs a key instead of a session; default: false */
  isOfKey?: boolean
}

const client = { name: 'curl', version: '8' }

/** The examples of errors, by name. */
export const ERROR_EXAMPLES: Readonly<Record<string, ErrorExample>> = {
  missingField: {
    summary: 'A field is missing',
    method: 'POST',
    path: '/demo/sessions',
    body: { client: { name: 'curl' } },
    session: 'none',
  },
  outOfRange: {
    summary: 'A number is out of range',
    method: 'PUT',
    path: '/demo/persons/6/memberships/18',
    body: { priority: 256 },
  },
  unknownField: {
    summary: 'A typed call has an unknown field',
    method: 'POST',
    path: '/demo/calls/get-text-stat',
    body: { text: 46 },
  },
  ambiguousName: {
    summary: 'A name matches several persons',
    method: 'POST',
    path: '/demo/sessions/current/login',
    body: { pers_name: 'demo', passwd: 'demo' },
    session: 'anonymous',
  },
  conferenceExists: {
    summary: 'The LysKOM server refuses: there is such a conference',
    method: 'POST',
    path: '/demo/conferences',
    body: { name: 'Testing (is) allowed' },
  },
  notLoggedIn: {
    summary: 'The session is not logged in',
    method: 'POST',
    path: '/demo/sessions/current/logout',
    session: 'anonymous',
  },
  wrongPassword: {
    summary: 'The LysKOM server refuses: the password is wrong',
    method: 'POST',
    path: '/demo/sessions/current/login',
    body: { pers_no: 6, passwd: 'wrong' },
    session: 'anonymous',
  },
  missingKey: {
    summary: 'The admin key is missing',
    method: 'GET',
    path: '/admin/sessions',
    session: 'none',
    isOfKey: true,
  },
  missingConnectionId: {
    summary: 'The connection id is missing',
    method: 'GET',
    path: '/demo/texts/7',
    session: 'none',
  },
  unknownConnectionId: {
    summary: 'The session has ended, or never existed',
    method: 'GET',
    path: '/demo/texts/7',
    headers: { 'Httpkom-Connection': '00000000-0000-4000-8000-000000000000' },
    session: 'none',
  },
  noSuchServer: {
    summary: 'There is no such LysKOM server',
    method: 'GET',
    path: '/nosuch/server/info',
    session: 'none',
  },
  noSuchText: {
    summary: 'The LysKOM server refuses: the text does not exist, or the person may not read it',
    method: 'GET',
    path: '/demo/texts/37',
  },
  notMember: {
    summary: 'The LysKOM server refuses: the person is not a member',
    method: 'GET',
    path: '/demo/persons/6/memberships/19',
  },
  sessionExists: {
    summary: 'The request to open a session carries a connection id',
    method: 'POST',
    path: '/demo/sessions',
    body: { client },
    session: 'anonymous',
  },
  contentCoding: {
    summary: 'The body is compressed',
    method: 'POST',
    path: '/demo/sessions',
    body: { client },
    headers: { 'Content-Encoding': 'gzip' },
    session: 'none',
  },
}
