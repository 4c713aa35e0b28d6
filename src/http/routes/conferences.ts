import { z } from 'zod'
import { createConference, findConferences, getConference, getMicroConference } from '../../lyskom/conferences.ts'
import { markLocalAsRead } from '../../lyskom/memberships.ts'
import { latin1 } from '../input/body.ts'
import { confNoParameter, textNoParameter } from '../input/numbers.ts'
import { flagParameter } from '../input/parameters.ts'
import { empty, json } from '../node/responses.ts'
import { conferenceJson, conferenceNameJson, microConferenceJson } from '../output/json.ts'
import { Conference, ConferenceName, MicroConference } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

/** Conferences and the letterboxes of persons. */
export function conferenceRoutes(): AnyRoute[] {
  return [
    route({
      method: 'GET',
      path: '/:server/conferences',
      operation: 'findConferences',
      summary: 'Finds conferences and persons by name',
      needs: 'session',
      idFrom: 'header-or-query',
      query: {
        name: latin1.describe('words of the name, each of which may be abbreviated'),
        'want-pers': flagParameter.optional().describe('whether to find persons'),
        'want-persons': flagParameter.default(true).describe('another name of `want-pers`'),
        'want-confs': flagParameter.default(true).describe('whether to find conferences'),
      },
      responses: { 200: { schema: z.strictObject({ conferences: z.array(ConferenceName) }) } },
      example: { query: { name: 'demo' } },
      async handle(c, { query }) {
        const want = {
          persons: query['want-pers'] ?? query['want-persons'],
          conferences: query['want-confs'],
        }
        const found = await findConferences(c.get('session').lyskom, query.name, want)
        return json({ conferences: found.map(conferenceNameJson) })
      },
    }),
    route({
      method: 'POST',
      path: '/:server/conferences',
      operation: 'createConference',
      summary: 'Creates a conference',
      needs: 'login',
      body: z.object({ name: latin1 }),
      responses: { 201: { schema: ConferenceName } },
      example: { body: { name: 'Garden (and) Allotment' } },
      async handle(c, { body: { name } }) {
        const confNo = await createConference(c.get('session').lyskom, name)
        return json(conferenceNameJson({ confNo, name }), 201)
      },
    }),
    route({
      method: 'GET',
      path: '/:server/conferences/:conf_no{[0-9]+}',
      operation: 'getConference',
      summary: 'Returns a conference',
      needs: 'login',
      idFrom: 'header-or-query',
      params: { conf_no: confNoParameter },
      query: { micro: flagParameter.default(true).describe('whether the short form is enough') },
      responses: { 200: { schema: z.union([MicroConference, Conference]) } },
      errors: { 'undefined-conference': 404 },
      example: { params: { conf_no: 9 } },
      async handle(c, { params: { conf_no }, query: { micro } }) {
        const { lyskom } = c.get('session')
        return micro
          ? json(microConferenceJson(await getMicroConference(lyskom, conf_no)))
          : json(conferenceJson(await getConference(lyskom, conf_no)))
      },
    }),
    route({
      method: 'PUT',
      path: '/:server/conferences/:conf_no{[0-9]+}/texts/:local_no{[0-9]+}/read-marking',
      operation: 'markLocalTextAsRead',
      summary: 'Marks a text as read in one conference',
      needs: 'login',
      params: { conf_no: confNoParameter, local_no: textNoParameter },
      responses: { 201: {} },
      example: { params: { conf_no: 9, local_no: 2 } },
      async handle(c, { params: { conf_no, local_no } }) {
        await markLocalAsRead(c.get('session').lyskom, conf_no, local_no)
        return empty(201)
      },
    }),
  ]
}
