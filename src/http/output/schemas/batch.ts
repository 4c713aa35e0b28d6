import { z } from 'zod'

const BatchResponse = z
  .strictObject({
    id: z.string().describe('The id of the request.'),
    status: z.int().min(200).max(599),
    headers: z
      .strictObject({
        'Content-Type': z.string(),
        ETag: z.string(),
        Location: z.string(),
        'Retry-After': z.string(),
      })
      .partial(),
    body: z
      .unknown()
      .describe('JSON; a string for other text; `{"base64": …}` for anything else; null without a body.'),
  })
  .meta({ id: 'BatchResponse', description: 'The response to a request of a batch.' })

export type BatchResponses = z.output<typeof BatchResponses>
export const BatchResponses = z
  .strictObject({ responses: z.array(BatchResponse) })
  .meta({ id: 'BatchResponses', description: 'The responses to a batch, in the order of its requests.' })
