import { z } from 'zod'
import { addMember, getMembership, getMemberships, removeMember, setUnread } from '../../lyskom/memberships.ts'
import { getAllUnread, getUnread } from '../../lyskom/unread.ts'
import { confNoParameter, textNo, wholeNumber } from '../input/numbers.ts'
import { flagParameter } from '../input/parameters.ts'
import { empty, json } from '../node/responses.ts'
import { membershipJson, unreadJson } from '../output/json.ts'
import { Membership, Unread } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

const Join = z.object({ priority: wholeNumber(2 ** 8 - 1).default(100), where: wholeNumber(2 ** 16 - 1).default(0) })

/** Memberships and unread texts of persons. */
export function membershipRoutes(): AnyRoute[] {
  const ofPerson = { pers_no: confNoParameter }
  const ofMembership = { pers_no: confNoParameter, conf_no: confNoParameter }
  const one = '/:server/persons/:pers_no{[0-9]+}/memberships/:conf_no{[0-9]+}'

  return [
    route({
      method: 'GET',
      path: '/:server/persons/:pers_no{[0-9]+}/memberships',
      operation: 'listMemberships',
      summary: 'Lists memberships',
      needs: 'login',
      idFrom: 'header-or-query',
      params: ofPerson,
      query: {
        unread: flagParameter.default(false).describe('whether to leave out conferences without unread texts'),
        passive: flagParameter.default(false).describe('whether to list passive memberships'),
        first: confNoParameter.default(0).describe('the position to start from'),
        'no-of-memberships': confNoParameter.default(100),
      },
      responses: { 200: { schema: z.strictObject({ has_more: z.boolean(), memberships: z.array(Membership) }) } },
      example: { params: { pers_no: 6 }, query: { first: 2, 'no-of-memberships': 1 } },
      async handle(c, { params: { pers_no }, query: { unread, passive, first, 'no-of-memberships': count } }) {
        const page = { unread, passive, first, count }
        const { hasMore, memberships } = await getMemberships(c.get('session').lyskom, pers_no, page)
        return json({ has_more: hasMore, memberships: memberships.map(membershipJson) })
      },
    }),
    route({
      method: 'GET',
      path: '/:server/persons/:pers_no{[0-9]+}/memberships/unread',
      operation: 'listUnread',
      summary: 'Lists unread texts in all conferences',
      needs: 'login',
      idFrom: 'header-or-query',
      params: ofPerson,
      responses: { 200: { schema: z.strictObject({ list: z.array(Unread) }) } },
      example: { params: { pers_no: 6 } },
      async handle(c, { params: { pers_no } }) {
        const list = await getAllUnread(c.get('session').lyskom, pers_no)
        return json({ list: list.map(unreadJson) })
      },
    }),
    route({
      method: 'GET',
      path: one,
      operation: 'getMembership',
      summary: 'Returns a membership',
      needs: 'login',
      idFrom: 'header-or-query',
      params: ofMembership,
      responses: { 200: { schema: Membership } },
      errors: { 'not-member': 404 },
      example: { params: { pers_no: 6, conf_no: 4 } },
      handle: async (c, { params: { pers_no, conf_no } }) =>
        json(membershipJson(await getMembership(c.get('session').lyskom, pers_no, conf_no))),
    }),
    route({
      method: 'PUT',
      path: one,
      operation: 'addMembership',
      summary: 'Adds or changes a membership',
      needs: 'login',
      params: ofMembership,
      body: Join,
      responses: { 201: {} },
      errors: { 'undefined-person': 404, 'undefined-conference': 404 },
      example: { params: { pers_no: 6, conf_no: 18 }, body: { priority: 90, where: 8 } },
      async handle(c, { params: { pers_no, conf_no }, body }) {
        await addMember(c.get('session').lyskom, pers_no, conf_no, body)
        return empty(201)
      },
    }),
    route({
      method: 'DELETE',
      path: one,
      operation: 'removeMembership',
      summary: 'Removes a membership',
      needs: 'login',
      params: ofMembership,
      responses: { 204: {} },
      errors: { 'undefined-person': 404, 'undefined-conference': 404, 'not-member': 404 },
      example: { params: { pers_no: 6, conf_no: 9 } },
      async handle(c, { params: { pers_no, conf_no } }) {
        await removeMember(c.get('session').lyskom, pers_no, conf_no)
        return empty(204)
      },
    }),
    route({
      method: 'GET',
      path: `${one}/unread`,
      operation: 'getUnread',
      summary: 'Lists unread texts in one conference',
      needs: 'login',
      idFrom: 'header-or-query',
      params: ofMembership,
      responses: { 200: { schema: Unread } },
      errors: { 'not-member': 404 },
      example: { params: { pers_no: 6, conf_no: 13 } },
      handle: async (c, { params: { pers_no, conf_no } }) =>
        json(unreadJson(await getUnread(c.get('session').lyskom, pers_no, conf_no))),
    }),
    route({
      method: 'POST',
      path: '/:server/persons/current/memberships/:conf_no{[0-9]+}/unread',
      operation: 'setUnread',
      summary: 'Sets the number of unread texts in a conference',
      needs: 'login',
      params: { conf_no: confNoParameter },
      body: z.object({ no_of_unread: textNo }),
      responses: { 204: {} },
      example: { params: { conf_no: 13 }, body: { no_of_unread: 2 } },
      async handle(c, { params: { conf_no }, body: { no_of_unread } }) {
        await setUnread(c.get('session').lyskom, conf_no, no_of_unread)
        return empty(204)
      },
    }),
  ]
}
