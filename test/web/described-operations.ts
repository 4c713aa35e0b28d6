import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { type Description, type Operation, operationsOf } from '../../src/web/console/explorer/operations.ts'

/** The description of a gateway with every API. */
export const DESCRIPTION: Description = JSON.parse(readFileSync('docs/openapi.json', 'utf8'))
/** Its schemas by name. */
export const COMPONENTS = DESCRIPTION.components?.schemas ?? {}
/** Its operations, as the explorer lists them. */
export const OPERATIONS = operationsOf(DESCRIPTION)

/** Returns an operation by its id. */
export function find(id: string): Operation {
  const found = OPERATIONS.find((operation) => operation.id === id)
  if (found === undefined) throw new Error(`no operation ${id}`)
  return found
}

const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema({ $id: 'description', components: { schemas: COMPONENTS } })

/** Compiles a schema whose references are those of the description. */
export function validatorOf(schema: object): ValidateFunction {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"description#/components/')
  return ajv.compile(JSON.parse(text))
}
