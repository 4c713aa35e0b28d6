import type { Context } from 'hono'
import { z } from 'zod'
import { badRequest } from './body.ts'

/** Schema of `true` or `false` in a query. */
export const flagParameter = z.stringbool({
  truthy: ['true'],
  falsy: ['false'],
  case: 'sensitive',
  error: 'must be true or false.',
})

/** Schemas of the parameters of a path or a query by name. They read strings, or undefined where one is absent. */
export type ParameterSchemas = Readonly<Record<string, z.ZodType>>

/** The values of parameters by name. */
export type ParameterValues<S extends ParameterSchemas> = { readonly [Name in keyof S]: z.output<S[Name]> }

/** Where `readParameters` finds a parameter by its name. */
export type ParameterSource = (c: Context, name: string) => string | undefined

/**
 * Returns a function that reads the parameters of a request.
 * It throws RequestError `invalid-request` (400) with the name of the first invalid parameter.
 */
export function readParameters<S extends ParameterSchemas>(
  schemas: S,
  source: ParameterSource,
): (c: Context) => ParameterValues<S> {
  const entries = Object.entries(schemas)
  return (c) => {
    const values: Record<string, unknown> = {}
    for (const [name, schema] of entries) {
      const text = source(c, name)
      const parsed = schema.safeParse(text)
      if (!parsed.success) throw invalidParameter(name, text, parsed.error)
      values[name] = parsed.data
    }
    return values as ParameterValues<S>
  }
}

function invalidParameter(name: string, text: string | undefined, { issues }: z.ZodError) {
  return badRequest(text === undefined ? `Missing "${name}".` : `"${name}" ${issues[0]?.message}`)
}
