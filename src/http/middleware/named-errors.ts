import type { MiddlewareHandler } from 'hono'
import type { Env } from '../env.ts'
import type { NamedErrors } from '../errors/status.ts'

/** Returns middleware that overrides the statuses of some LysKOM errors for a route. */
export function namedErrors(errors: NamedErrors): MiddlewareHandler<Env> {
  return (c, next) => {
    c.set('namedErrors', errors)
    return next()
  }
}
