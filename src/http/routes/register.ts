import type { Context, Hono, MiddlewareHandler } from 'hono'
import type { z } from 'zod'
import { notInBatch } from '../batch/run.ts'
import type { Env } from '../env.ts'
import { readBody } from '../input/body.ts'
import { readParameters } from '../input/parameters.ts'
import { requireLogin } from '../middleware/session.ts'
import type { AnyRoute } from './route.ts'

/** Returns the middleware that checks what a route needs, undefined if it needs nothing. */
export type Guard = (route: AnyRoute) => MiddlewareHandler<Env> | undefined

/** Registers declared routes: their guards, the validation of their input, and their handlers. */
export function registerRoutes(app: Hono<Env>, routes: readonly AnyRoute[], guardOf: Guard = () => undefined): void {
  for (const route of routes) {
    const guard = guardOf(route) ?? ((_, next) => next())
    const isBatchable = route.isBatchable ?? true
    app.on(
      route.method,
      route.path,
      (c, next) => {
        c.set('route', route)
        if (!isBatchable && c.env?.batch !== undefined) throw notInBatch()
        return guard(c, next)
      },
      ...(route.needs === 'login' ? [requireLogin] : []),
      ...(route.guards ?? []),
      handlerOf(route),
    )
  }
}

/** Returns the handler of a route, which validates the input. */
function handlerOf(route: AnyRoute): (c: Context<Env>) => Response | Promise<Response> {
  const { read } = route
  if (read !== undefined) return async (c) => await route.handle(c, await read(c))
  const paramsOf = readParameters(route.params ?? {}, (c, name) => c.req.param(name))
  const queryOf = readParameters(route.query ?? {}, (c, name) => c.req.query(name))
  const schema: z.ZodType | undefined = route.body
  const ifEmpty = route.bodyIsOptional ? {} : undefined
  if (schema === undefined) return (c) => route.handle(c, { params: paramsOf(c), query: queryOf(c), body: undefined })
  return async (c) => {
    const params = paramsOf(c)
    const query = queryOf(c)
    return await route.handle(c, { params, query, body: await readBody(c, schema, ifEmpty) })
  }
}
