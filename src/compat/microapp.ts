import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import type { ErrorFormat } from '../http/errors/public-error.ts'
import { RequestError } from '../http/errors/request-error.ts'
import { badRequest } from '../http/input/body.ts'
import type { ParameterSchemas, ParameterValues } from '../http/input/parameters.ts'
import { bearer } from '../http/middleware/app-key.ts'
import { text } from '../http/node/responses.ts'
import type { AnyRoute, Route } from '../http/routes/route.ts'
import { LimitError } from '../sessions/limit-error.ts'
import { MAX_APP } from '../store/new-session.ts'
import { keyOf } from '../store/record.ts'
import { type CompatOptions, NO_STORE, newToken } from './compat-api.ts'
import { checkParameters, namePattern, queryOf, readParameters, readText } from './input.ts'

/**
 * The prefix of a service's name in the store. Ids of servers and apps hold no colon, so the service `demo` does not
 * clash with a server `demo`.
 */
const APP_PREFIX = 'microapp:'
/** Tokens of the original have 14 to 16 characters. */
const TOKEN_LENGTH = 16
const MAX_BODY_BYTES = 60_000

/** Maximum length of a service, characters. */
const MAX_SERVICE = MAX_APP - APP_PREFIX.length
const nameError = (maxLength: number) => `must be 1 to ${maxLength} characters, and no control characters.`
const nameOf = (maxLength: number) => z.string().regex(namePattern(maxLength), nameError(maxLength))
const Name = nameOf(128)
/** The service, user and session name of a request. */
const OWNER = {
  service: nameOf(MAX_SERVICE).describe('The name of the application.'),
  user_id: Name.describe('The name of the user.'),
  session_name: z
    .string()
    .regex(namePattern(128, 0), nameError(128))
    .default('')
    .describe('Distinguishes several sessions of a user.'),
}
const OWNER_AND_SESSION = { ...OWNER, session_id: Name }
/** The parameters that every script reads; it validates its own and ignores the others. */
const NAMES = Object.keys(OWNER_AND_SESSION)

/** The response of `validate.cgi` about a session of another user, service or name, or none at all. */
const NO_SESSION = 'invalid: There is no such session.'

/** A script, which is a route for each method. */
interface Script<P extends ParameterSchemas> extends Pick<Route, 'summary' | 'needs' | 'uses' | 'rejects'> {
  name: string
  operation: string
  /** the body of the response to a successful request */
  response: z.ZodType
  parameters: P
  errorFormat: ErrorFormat
  run(c: Context, values: ParameterValues<P>): Promise<string>
}

/**
 * The Session Manager microapp API: three CGI scripts that bind a user to a session id until a client ends the session.
 * At the root.
 */
export function microappApi({ store, appKeys, clientAddress }: CompatOptions): AnyRoute[] {
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError() {
      throw new LimitError('body-size', 'The form is too large.')
    },
  })
  const errorFormat = errorsWith('ERROR')

  return [
    ...script({
      name: 'add_session',
      operation: 'microappAddSession',
      summary: 'Creates a session, and ends an earlier one of the same user and name',
      needs: 'app-key',
      response: z
        .string()
        .regex(/^[a-zA-Z0-9]{16}$/)
        .describe('The session id.'),
      parameters: OWNER,
      uses: ['store-lists'],
      rejects: ['too-large'],
      errorFormat,
      async run(c, owner) {
        const token = newToken(TOKEN_LENGTH)
        await store.create({ key: keyOf(token), ...recordOf(owner), ip: clientAddress(c), unique: true })
        return token
      },
    }),
    ...script({
      name: 'validate',
      operation: 'microappValidate',
      summary: 'Tells whether a session is one of a user',
      needs: 'nothing',
      response: z.literal(['ok', NO_SESSION]),
      parameters: OWNER_AND_SESSION,
      uses: ['store'],
      errorFormat: errorsWith('invalid'),
      async run(_, { session_id, ...owner }) {
        const { app, user, name } = recordOf(owner)
        const record = await store.find(app, keyOf(session_id))
        return record?.user === user && record.name === name ? 'ok' : NO_SESSION
      },
    }),
    ...script({
      name: 'expire_session',
      operation: 'microappExpireSession',
      summary: 'Ends the session of a user and name',
      needs: 'app-key',
      response: z.literal('ok'),
      parameters: OWNER,
      uses: ['store-lists'],
      errorFormat,
      async run(_, owner) {
        const { app, user, name } = recordOf(owner)
        await store.endUser(app, user, (record) => record.name === name)
        return 'ok'
      },
    }),
  ]

  function script<P extends ParameterSchemas>({
    name,
    operation,
    response,
    parameters,
    rejects = [],
    run,
    ...declaration
  }: Script<P>): AnyRoute[] {
    const common = {
      ...declaration,
      path: `/${name}.cgi`,
      async read(c: Context) {
        const given = await readForm(c)
        if (declaration.needs === 'app-key') checkKey(c, given.service)
        return { params: {}, query: {}, body: checkParameters(parameters, (each) => given[each], invalidParameter) }
      },
      responses: { 200: { schema: response, type: 'text/plain' } },
      rejects: ['invalid-request', ...rejects] as const,
      handle: async (c: Context, { body }: { body: ParameterValues<P> }) => text(await run(c, body), 200, NO_STORE),
    }
    return [
      { ...common, method: 'GET', operation: `${operation}ByGet`, query: parameters },
      {
        ...common,
        method: 'POST',
        operation,
        description: 'Each parameter may be in the query instead.',
        guards: [limit],
        body: z.object(parameters),
        bodyType: 'application/x-www-form-urlencoded',
      },
    ]
  }

  /** Checks the key before the other parameters; only the service is read first, because the key belongs to it. */
  function checkKey(c: Context, given: string | undefined): void {
    const { service } = checkParameters({ service: OWNER.service }, () => given, invalidParameter)
    if (appKeys.allow(service, bearer(c), clientAddress(c))) return
    throw new RequestError('invalid-key', '"Authorization: Bearer" with the key of the service is required.')
  }
}

function recordOf({ service, user_id, session_name }: ParameterValues<typeof OWNER>) {
  return { app: APP_PREFIX + service, user: user_id, name: session_name }
}

/** Reads the parameters of the query and of a form. */
async function readForm(c: Context): Promise<Partial<Record<string, string>>> {
  const form = c.req.method === 'POST' ? await readText(c, invalid) : ''
  return readParameters(`${queryOf(c)}&${form}`, /[;&]/, NAMES, invalid)
}

function invalidParameter(name: string, issue: z.core.$ZodIssue | undefined): RequestError {
  return issue === undefined ? badRequest(`Missing ${name}.`) : invalid(name, issue.message)
}

function invalid(what: string, reason: string): RequestError {
  return badRequest(`${what} ${reason}`)
}

/** Returns the format of errors. @param prefix the prefix of the message for invalid parameters */
function errorsWith(prefix: string): ErrorFormat {
  return {
    type: 'text/plain',
    schema: z.string().regex(prefix === 'ERROR' ? /^ERROR: / : new RegExp(`^(?:ERROR|${prefix}): `)),
    render: ({ status, message, headers }) => text(`${status === 400 ? prefix : 'ERROR'}: ${message}`, status, headers),
  }
}
