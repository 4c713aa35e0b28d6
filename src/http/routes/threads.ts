import { getThread } from '../../lyskom/thread.ts'
import { numberParameter, textNoParameter } from '../input/numbers.ts'
import { flagParameter } from '../input/parameters.ts'
import { json } from '../node/responses.ts'
import { threadJson } from '../output/reading.ts'
import { Thread } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

/** The largest number of texts of a thread in one response: each takes two calls to the LysKOM server. */
const MAX_TEXTS = 1000

/** Trees of comments. */
export function threadRoutes(): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/:server/texts/:text_no{[0-9]+}/tree',
      operation: 'getThread',
      summary: 'Returns the thread around a text',
      needs: 'login',
      idFrom: 'header-or-query',
      params: { text_no: textNoParameter },
      query: {
        up: flagParameter.default(true).describe('whether to begin at the top of the thread instead of at the text'),
        limit: numberParameter(MAX_TEXTS, 1)
          .default(200)
          .describe('the largest number of texts; those that may not be read count as well'),
      },
      responses: { 200: { schema: Thread } },
      errors: { 'no-such-text': 404 },
      example: { params: { text_no: 47 }, query: { limit: 2 } },
      handle: async (c, { params: { text_no }, query }) =>
        json(threadJson(await getThread(c.get('session').lyskom, text_no, query))),
    }),
  ]
}
