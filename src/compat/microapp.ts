import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Env } from '../http/env.ts'
import { RequestError } from '../http/errors/request-error.ts'
import { badRequest } from '../http/input/body.ts'
import { bearer } from '../http/middleware/app-key.ts'
import { text } from '../http/node/responses.ts'
import { type ErrorFormat, errorResponse } from '../http/output/error-response.ts'
import { LimitError } from '../sessions/limit-error.ts'
import { keyOf } from '../store/record.ts'
import { type CompatOptions, NO_STORE, newToken } from './compat-api.ts'
import { namePattern, queryOf, readParameters, readText } from './input.ts'

/**
 * The prefix of a service's name in the store. Ids of servers and apps hold no colon, so the service `demo` does not
 * clash with a server `demo`.
 */
const APP_PREFIX = 'microapp:'
const METHODS = ['GET', 'POST']
const NAMES = ['user_id', 'service', 'session_name', 'session_id'] as const
const NAME = namePattern(128)
/** Tokens of the original have 14 to 16 characters. */
const TOKEN_LENGTH = 16
const MAX_BODY_BYTES = 60_000

type Parameters = Partial<Record<(typeof NAMES)[number], string>>
/** The service, user and session name of a request. */
interface SessionOwner {
  app: string
  user: string
  name: string
}

/**
 * Creates the Session Manager microapp API: three CGI scripts that bind a user to a session id until a client ends the
 * session. Mounted at the root.
 */
export function microappApi(options: CompatOptions): Hono<Env> {
  const { store, appKeys, clientAddress, observers } = options
  const api = new Hono<Env>({ strict: false })
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError() {
      throw new LimitError('body-size', 'The form is too large.')
    },
  })

  script('add_session.cgi', 'ERROR', async (c, parameters) => {
    const owner = authorized(c, parameters)
    const token = newToken(TOKEN_LENGTH)
    await store.create({ key: keyOf(token), ...owner, ip: clientAddress(c), unique: true })
    return token
  })
  script('validate.cgi', 'invalid', async (_, parameters) => {
    const { app, user, name } = ownerOf(parameters)
    const record = await store.find(app, keyOf(required('session_id', parameters.session_id)))
    return record?.user === user && record.name === name ? 'ok' : 'invalid: There is no such session.'
  })
  script('expire_session.cgi', 'ERROR', async (c, parameters) => {
    const { app, user, name } = authorized(c, parameters)
    await store.endUser(app, user, (record) => record.name === name)
    return 'ok'
  })
  return api

  /** @param prefix the prefix of the error message for invalid parameters */
  function script(path: string, prefix: string, run: (c: Context, parameters: Parameters) => Promise<string>): void {
    const route = new Hono<Env>({ strict: false })
    route.onError((error, c) => errorResponse(error, c, observers, formatWith(prefix)))
    route.on(METHODS, `/${path}`, limit, async (c) => text(await run(c, await readForm(c)), 200, NO_STORE))
    api.route('/', route)
  }

  /** Checks the key before the other parameters; only the service is read first, because the key belongs to it. */
  function authorized(c: Context, parameters: Parameters): SessionOwner {
    const service = required('service', parameters.service)
    if (!appKeys.allow(service, bearer(c), clientAddress(c))) {
      throw new RequestError('invalid-key', '"Authorization: Bearer" with the key of the service is required.')
    }
    return ownerOf(parameters)
  }
}

function ownerOf({ service, user_id, session_name }: Parameters): SessionOwner {
  return {
    app: APP_PREFIX + required('service', service),
    user: required('user_id', user_id),
    name: session_name ? required('session_name', session_name) : '',
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw badRequest(`Missing ${name}.`)
  if (!NAME.test(value)) throw badRequest(`${name} must be 1 to 128 characters, and no control characters.`)
  return value
}

/** Reads the parameters of the query and of a form. */
async function readForm(c: Context): Promise<Parameters> {
  const form = c.req.method === 'POST' ? await readText(c, invalid) : ''
  return readParameters(`${queryOf(c)}&${form}`, /[;&]/, NAMES, invalid)
}

function invalid(what: string, reason: string): RequestError {
  return badRequest(`${what} ${reason}`)
}

function formatWith(prefix: string): ErrorFormat {
  return ({ status, message, headers }) => text(`${status === 400 ? prefix : 'ERROR'}: ${message}`, status, headers)
}
