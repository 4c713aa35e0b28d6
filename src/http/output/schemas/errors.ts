import { z } from 'zod'
import { LIMITS } from '../../../sessions/limit-error.ts'
import { int32 } from './values.ts'

export type GatewayError = z.output<typeof GatewayError>
export const GatewayError = z
  .strictObject({
    error_type: z.literal('httpkom'),
    error_msg: z.string().describe('A sentence in English, for persons.'),
    limit: z.enum(LIMITS).exactOptional().describe('The limit that caused the error, if one did.'),
  })
  .meta({ id: 'GatewayError', description: 'An error of the gateway.' })

export type ProtocolAError = z.output<typeof ProtocolAError>
export const ProtocolAError = z
  .strictObject({
    error_type: z.literal('protocol-a'),
    error_code: int32.describe('The number of the error (chapter Error Codes of Protocol A).'),
    error_status: z
      .string()
      .regex(/^[0-9]+$/)
      .describe('A detail of the error: for many errors the number of the person, conference or text.'),
    error_msg: z.string().describe('The name of the error, as `NoSuchText`.'),
  })
  .meta({ id: 'ProtocolAError', description: 'An error of the LysKOM server.' })
