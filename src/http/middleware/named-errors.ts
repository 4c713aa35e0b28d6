import { createMiddleware } from 'hono/factory'
import type { Env, NamedErrors } from '../context.ts'

/** The LysKOM errors to which a route gives a status of its own. */
export function namedErrors(errors: NamedErrors) {
  return createMiddleware<Env>(async (c, next) => {
    c.set('namedErrors', errors)
    await next()
  })
}
