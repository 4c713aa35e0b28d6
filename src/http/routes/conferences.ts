import { Hono } from 'hono'
import { z } from 'zod'
import { createConference, findConferences, getConference, getMicroConference } from '../../lyskom/conferences.ts'
import { markLocalAsRead } from '../../lyskom/memberships.ts'
import { MAX_CONF_NO, MAX_TEXT_NO } from '../../lyskom/numbers.ts'
import { getLastTexts } from '../../lyskom/texts.ts'
import type { Env } from '../env.ts'
import { latin1, readBody } from '../input/body.ts'
import { pathNumber, queryBoolean, queryLatin1, queryNumber } from '../input/parameters.ts'
import { namedErrors } from '../middleware/named-errors.ts'
import { requireLogin, type SessionMiddleware } from '../middleware/session.ts'
import { empty, json } from '../node/responses.ts'
import { conferenceJson, conferenceNameJson, microConferenceJson, textHeadJson } from '../output/json.ts'

const Create = z.object({ name: latin1 })

/** Conferences and the letterboxes of persons; mounted under `/<server id>/conferences`. */
export function conferenceRoutes({ requireSession, requireSessionWithQuery }: SessionMiddleware) {
  const absent = namedErrors({ 'undefined-conference': 404 })

  return new Hono<Env>({ strict: false })
    .get('/', requireSessionWithQuery, async (c) => {
      const name = queryLatin1(c, 'name')
      const want = {
        persons: queryBoolean(c, ['want-pers', 'want-persons'], true),
        conferences: queryBoolean(c, ['want-confs'], true),
      }
      const found = await findConferences(c.get('session').lyskom, name, want)
      return json({ conferences: found.map(conferenceNameJson) })
    })
    .post('/', requireSession, requireLogin, async (c) => {
      const { name } = await readBody(c, Create)
      const confNo = await createConference(c.get('session').lyskom, name)
      return json(conferenceNameJson({ confNo, name }), 201)
    })
    .get('/:conf_no{[0-9]+}', requireSessionWithQuery, requireLogin, absent, async (c) => {
      const confNo = pathNumber(c, 'conf_no', MAX_CONF_NO)
      const { lyskom } = c.get('session')
      return queryBoolean(c, ['micro'], true)
        ? json(microConferenceJson(await getMicroConference(lyskom, confNo)))
        : json(conferenceJson(await getConference(lyskom, confNo)))
    })
    .get('/:conf_no{[0-9]+}/texts', requireSessionWithQuery, async (c) => {
      const confNo = pathNumber(c, 'conf_no', MAX_CONF_NO)
      const count = queryNumber(c, 'no-of-texts', 10, MAX_TEXT_NO)
      const texts = await getLastTexts(c.get('session').lyskom, confNo, count)
      return json({ texts: texts.map((text) => ({ ...textHeadJson(text), subject: null, body: null })) })
    })
    .put('/:conf_no{[0-9]+}/texts/:local_no{[0-9]+}/read-marking', requireSession, requireLogin, async (c) => {
      const localNo = pathNumber(c, 'local_no', MAX_TEXT_NO)
      await markLocalAsRead(c.get('session').lyskom, pathNumber(c, 'conf_no', MAX_CONF_NO), localNo)
      return empty(201)
    })
}
