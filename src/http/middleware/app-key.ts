import type { Context, MiddlewareHandler } from 'hono'
import { RequestError } from '../errors/request-error.ts'
import type { AppKeys } from './app-keys.ts'

const BEARER = /^Bearer +([\x21-\x7e]+)$/i

/** Returns the key in `Authorization: Bearer`. */
export function bearer(c: Context): string | undefined {
  return BEARER.exec(c.req.header('authorization') ?? '')?.[1]
}

interface KeyOptions {
  appKeys: AppKeys
  clientAddress: (c: Context) => string
}

/**
 * Returns middleware that rejects requests without the key of their app with 401. Register it first, so that responses
 * reveal nothing to clients without a key.
 * @param appOf returns the app id of a request
 */
export function requireAppKey(
  { appKeys, clientAddress }: KeyOptions,
  appOf: (c: Context) => string,
): MiddlewareHandler {
  return (c, next) => {
    if (!appKeys.allow(appOf(c), bearer(c), clientAddress(c))) {
      throw new RequestError('invalid-key', '"Authorization: Bearer" with the key of the application is required.')
    }
    return next()
  }
}
