import { z } from 'zod'
import { TEXTS_PER_CALL } from '../../lyskom/numbers.ts'
import { getConferenceTexts, getCreatedTexts } from '../../lyskom/text-pages.ts'
import { badRequest } from '../input/body.ts'
import { confNoParameter, numberParameter, textNoParameter } from '../input/numbers.ts'
import { flagParameter } from '../input/parameters.ts'
import { json } from '../node/responses.ts'
import { textPageJson } from '../output/reading.ts'
import { ListedText, TextPage } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

const DEFAULT_TEXTS = 10

const before = textNoParameter.describe('the page ends before this local number; 0 for the newest texts')
const pageSize = numberParameter(TEXTS_PER_CALL, 1)

/** The texts of conferences and of persons, newest first. */
export function textPageRoutes(): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/:server/conferences/:conf_no{[0-9]+}/texts',
      operation: 'listConferenceTexts',
      summary: 'Lists the texts of a conference',
      description: 'With `subjects` or `before` the response is a page: it has `has_more` and `next_before`.',
      needs: 'session',
      idFrom: 'header-or-query',
      params: { conf_no: confNoParameter },
      query: {
        'no-of-texts': textNoParameter
          .default(DEFAULT_TEXTS)
          .describe(`the largest number of texts, ${TEXTS_PER_CALL} at most; those that may not be read count as well`),
        subjects: flagParameter.default(false).describe('whether the texts have subjects'),
        before: before.optional(),
      },
      responses: { 200: { schema: z.union([z.strictObject({ texts: z.array(ListedText) }), TextPage]) } },
      errors: { 'login-first': 401 },
      example: { params: { conf_no: 9 }, query: { 'no-of-texts': 2 } },
      async handle(c, { params: { conf_no }, query }) {
        const { 'no-of-texts': count, subjects, before = 0 } = query
        const isPage = subjects || query.before !== undefined
        // Without paging, the LysKOM server checks the number, as in httpkom.
        if (isPage && !pageSize.safeParse(String(count)).success) {
          throw badRequest(`"no-of-texts" must be a whole number from 1 to ${TEXTS_PER_CALL}.`)
        }
        const page = await getConferenceTexts(c.get('session').lyskom, conf_no, { before, count, subjects })
        const { texts, ...rest } = textPageJson(page)
        return json(isPage ? { texts, ...rest } : { texts })
      },
    }),
    route({
      method: 'GET',
      path: '/:server/persons/:pers_no{[0-9]+}/texts',
      operation: 'listCreatedTexts',
      summary: 'Lists the texts that a person has written',
      needs: 'login',
      idFrom: 'header-or-query',
      params: { pers_no: confNoParameter },
      query: {
        'no-of-texts': pageSize
          .default(DEFAULT_TEXTS)
          .describe('the largest number of texts; those that may not be read count as well'),
        before: before.default(0),
      },
      responses: { 200: { schema: TextPage } },
      errors: { 'undefined-person': 404 },
      example: { params: { pers_no: 10 }, query: { 'no-of-texts': 2 } },
      async handle(c, { params: { pers_no }, query }) {
        const { 'no-of-texts': count, before } = query
        return json(
          textPageJson(await getCreatedTexts(c.get('session').lyskom, pers_no, { before, count, subjects: true })),
        )
      },
    }),
  ]
}
