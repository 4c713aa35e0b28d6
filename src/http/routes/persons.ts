import { Hono } from 'hono'
import { z } from 'zod'
import { MAX_CONF_NO } from '../../lyskom/numbers.ts'
import { createPerson, getUserAreaBlock, setPresentation } from '../../lyskom/persons.ts'
import { nfc } from '../../protocol/nfc.ts'
import type { Env } from '../env.ts'
import { RequestError } from '../errors/request-error.ts'
import { latin1, readBody, textNo } from '../input/body.ts'
import { pathNumber } from '../input/parameters.ts'
import { requireLogin, type SessionMiddleware } from '../middleware/session.ts'
import { empty, json, writtenJson } from '../node/responses.ts'
import { personJson } from '../output/json.ts'

const Create = z.object({ name: latin1, passwd: latin1 })
const Presentation = z.object({ text_no: textNo })
const Password = z.object({ old_pwd: latin1, new_pwd: latin1 })

/** Persons, without their memberships; mounted under `/<server id>/persons`. */
export function personRoutes({ requireSession, requireSessionWithQuery }: SessionMiddleware) {
  return new Hono<Env>({ strict: false })
    .post('/', requireSession, async (c) => {
      const { name, passwd } = await readBody(c, Create)
      return json(personJson(await createPerson(c.get('session').lyskom, name, passwd)), 201)
    })
    .post('/:pers_no{[0-9]+}/set-presentation', requireSession, requireLogin, async (c) => {
      const body = await readBody(c, Presentation)
      await setPresentation(c.get('session').lyskom, pathNumber(c, 'pers_no', MAX_CONF_NO), body.text_no)
      return empty(201)
    })
    .post('/:pers_no{[0-9]+}/set-passwd', requireSession, requireLogin, async (c) => {
      const { old_pwd, new_pwd } = await readBody(c, Password)
      await c.get('session').setPassword(pathNumber(c, 'pers_no', MAX_CONF_NO), old_pwd, new_pwd)
      return empty(201)
    })
    .get('/:pers_no{[0-9]+}/user-area/:block', requireSessionWithQuery, requireLogin, async (c) => {
      const persNo = pathNumber(c, 'pers_no', MAX_CONF_NO)
      const block = await getUserAreaBlock(c.get('session').lyskom, persNo, nfc(c.req.param('block')))
      if (block === undefined || !isJson(block)) {
        throw new RequestError('not-found', 'There is no such JSON block in the user area.')
      }
      return writtenJson(block)
    })
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
