import { z } from 'zod'
import { createPerson, getUserAreaBlock, setPresentation } from '../../lyskom/persons.ts'
import { nfc } from '../../protocol/nfc.ts'
import { RequestError } from '../errors/request-error.ts'
import { latin1 } from '../input/body.ts'
import { confNoParameter, textNo } from '../input/numbers.ts'
import { empty, json, writtenJson } from '../node/responses.ts'
import { personJson } from '../output/json.ts'
import { Person } from '../output/schemas/index.ts'
import { type AnyRoute, route } from './route.ts'

/** Persons, without their memberships. */
export function personRoutes(): AnyRoute[] {
  const params = { pers_no: confNoParameter }

  return [
    route({
      method: 'POST',
      path: '/:server/persons',
      operation: 'createPerson',
      summary: 'Creates a person',
      needs: 'session',
      body: z.object({ name: latin1, passwd: latin1 }),
      responses: { 201: { schema: Person } },
      errors: { 'login-first': 401 },
      example: { body: { name: 'Nina Newcomer', passwd: 'secret' } },
      handle: async (c, { body: { name, passwd } }) =>
        json(personJson(await createPerson(c.get('session').lyskom, name, passwd)), 201),
    }),
    route({
      method: 'POST',
      path: '/:server/persons/:pers_no{[0-9]+}/set-presentation',
      operation: 'setPresentation',
      summary: 'Sets a presentation',
      needs: 'login',
      params,
      body: z.object({ text_no: textNo }),
      responses: { 201: {} },
      example: { params: { pers_no: 6 }, body: { text_no: 9 } },
      async handle(c, { params: { pers_no }, body: { text_no } }) {
        await setPresentation(c.get('session').lyskom, pers_no, text_no)
        return empty(201)
      },
    }),
    route({
      method: 'POST',
      path: '/:server/persons/:pers_no{[0-9]+}/set-passwd',
      operation: 'setPassword',
      summary: 'Changes a password',
      needs: 'login',
      params,
      body: z.object({
        old_pwd: latin1.describe('the password of the logged-in person'),
        new_pwd: latin1,
      }),
      responses: { 201: {} },
      rejects: ['login-failures'],
      example: { params: { pers_no: 6 }, body: { old_pwd: 'demo', new_pwd: 'omed' } },
      async handle(c, { params: { pers_no }, body: { old_pwd, new_pwd } }) {
        await c.get('session').setPassword(pers_no, old_pwd, new_pwd)
        return empty(201)
      },
    }),
    route({
      method: 'GET',
      path: '/:server/persons/:pers_no{[0-9]+}/user-area/:block',
      operation: 'getUserAreaBlock',
      summary: 'Returns a block of the user area',
      needs: 'login',
      idFrom: 'header-or-query',
      params: { pers_no: confNoParameter, block: z.string().transform(nfc).pipe(z.string()) },
      responses: { 200: { description: 'The block, which is any JSON', schema: z.unknown() } },
      rejects: ['not-found'],
      example: {
        params: { pers_no: 6, block: 'httpkom' },
        before: [
          {
            method: 'POST',
            path: '/demo/calls/create-text',
            body: {
              text: '9H7Hhttpkom 16H{"theme":"dark"}',
              misc_info: [],
              aux_items: [{ tag: 1, flags: {}, inherit_limit: 0, data: 'x-kom/user-area' }],
            },
          },
          { method: 'POST', path: '/demo/calls/set-user-area', body: { pers_no: 6, user_area: 48 } },
        ],
      },
      async handle(c, { params: { pers_no, block: name } }) {
        const block = await getUserAreaBlock(c.get('session').lyskom, pers_no, name)
        if (block === undefined || !isJson(block)) {
          throw new RequestError('not-found', 'There is no such JSON block in the user area.')
        }
        return writtenJson(block)
      },
    }),
  ]
}

/** Returns whether a block of the user area is JSON: other clients store other formats. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
