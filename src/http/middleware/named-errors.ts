import type { MiddlewareHandler } from 'hono'
import type { Env, NamedErrors } from '../context.ts'

/** The LysKOM errors to which a route gives a status of its own. */
export function namedErrors(errors: NamedErrors): MiddlewareHandler<Env> {
  return (c, next) => {
    c.set('namedErrors', errors)
    return next()
  }
}
