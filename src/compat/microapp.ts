import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { badRequest } from '../http/body.ts'
import type { Env } from '../http/context.ts'
import { limitOf, toldOf } from '../http/error-response.ts'
import { bearer } from '../http/middleware/app-key.ts'
import { text } from '../http/node/responses.ts'
import { keyOf } from '../store/record.ts'
import { type CompatOptions, newToken, SECRET } from './compat-api.ts'
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
interface Holder {
  app: string
  user: string
  name: string
}

/**
 * Creates the Session Manager microapp API: three CGI scripts that bind a user to a session id until a client ends the
 * session. Mounted at the root.
 */
export function microappApi({ store, appKeys, clientAddress, onLimit }: CompatOptions): Hono<Env> {
  const api = new Hono<Env>({ strict: false })
  const limit = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => text('ERROR: The form is too large.', 413) })

  script('add_session.cgi', 'ERROR', async (c, parameters) => {
    const holder = authorized(c, parameters)
    const token = newToken(TOKEN_LENGTH)
    await store.create({ key: keyOf(token), ...holder, ip: clientAddress(c), unique: true })
    return token
  })
  script('validate.cgi', 'invalid', async (_, parameters) => {
    const { app, user, name } = holderOf(parameters)
    const record = await store.find(app, keyOf(required('session_id', parameters.session_id)))
    return record?.user === user && record.name === name ? 'ok' : 'invalid: There is no such session.'
  })
  script('expire_session.cgi', 'ERROR', async (c, parameters) => {
    const { app, user, name } = authorized(c, parameters)
    await store.endUser(app, user, (record) => record.name === name)
    return 'ok'
  })
  return api

  /** @param word the prefix of the error message for invalid parameters */
  function script(path: string, word: string, run: (c: Context, parameters: Parameters) => Promise<string>): void {
    api.on(METHODS, `/${path}`, limit, async (c) => {
      try {
        return text(await run(c, await readForm(c)), 200, SECRET)
      } catch (error) {
        const { status, message, headers } = toldOf(error as Error)
        if (status === 500) throw error
        const limit = limitOf(error)
        if (limit !== undefined) onLimit(limit)
        return text(`${status === 400 ? word : 'ERROR'}: ${message}`, status, headers)
      }
    })
  }

  /** Checks the key before the other parameters; only the service is read first, because the key belongs to it. */
  function authorized(c: Context, parameters: Parameters): Holder {
    const service = required('service', parameters.service)
    if (!appKeys.allow(service, bearer(c), clientAddress(c))) {
      throw new HTTPException(401, { message: 'This needs the key of the service, as "Authorization: Bearer".' })
    }
    return holderOf(parameters)
  }
}

function holderOf({ service, user_id, session_name }: Parameters): Holder {
  return {
    app: APP_PREFIX + required('service', service),
    user: required('user_id', user_id),
    name: session_name ? required('session_name', session_name) : '',
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw badRequest(`No ${name} is given.`)
  if (!NAME.test(value)) throw badRequest(`${name} must be 1 to 128 characters, and no control characters.`)
  return value
}

/** Reads the parameters of the query and of a form. */
async function readForm(c: Context): Promise<Parameters> {
  const form = c.req.method === 'POST' ? await readText(c, refused) : ''
  return readParameters(`${queryOf(c)}&${form}`, /[;&]/, NAMES, refused)
}

function refused(what: string, reason: string): HTTPException {
  return badRequest(`${what} ${reason}`)
}
