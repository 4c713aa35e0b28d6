import { Hono } from 'hono'
import { z } from 'zod'
import {
  addMember,
  getAllUnread,
  getMembership,
  getMemberships,
  getUnread,
  removeMember,
  setUnread,
} from '../../lyskom/memberships.ts'
import { MAX_CONF_NO } from '../../lyskom/numbers.ts'
import type { Env } from '../env.ts'
import { readBody, textNo, wholeNumber } from '../input/body.ts'
import { pathNumber, queryBoolean, queryNumber } from '../input/parameters.ts'
import { namedErrors } from '../middleware/named-errors.ts'
import { requireLogin, type SessionMiddleware } from '../middleware/session.ts'
import { empty, json } from '../node/responses.ts'
import { membershipJson, unreadJson } from '../output/json.ts'

const Join = z.object({ priority: wholeNumber(2 ** 8 - 1).default(100), where: wholeNumber(2 ** 16 - 1).default(0) })
const SetUnread = z.object({ no_of_unread: textNo })

/** Memberships and unread texts of persons; mounted under `/<server id>/persons`. */
export function membershipRoutes({ requireSession, requireSessionWithQuery }: SessionMiddleware) {
  const notMember = namedErrors({ 'not-member': 404 })
  const absent = namedErrors({ 'undefined-person': 404, 'undefined-conference': 404 })
  const one = '/:pers_no{[0-9]+}/memberships/:conf_no{[0-9]+}'

  return new Hono<Env>({ strict: false })
    .get('/:pers_no{[0-9]+}/memberships', requireSessionWithQuery, requireLogin, async (c) => {
      const persNo = pathNumber(c, 'pers_no', MAX_CONF_NO)
      const { hasMore, memberships } = await getMemberships(c.get('session').lyskom, persNo, {
        unread: queryBoolean(c, ['unread'], false),
        passive: queryBoolean(c, ['passive'], false),
        first: queryNumber(c, 'first', 0, MAX_CONF_NO),
        count: queryNumber(c, 'no-of-memberships', 100, MAX_CONF_NO),
      })
      return json({ has_more: hasMore, memberships: memberships.map(membershipJson) })
    })
    .get('/:pers_no{[0-9]+}/memberships/unread', requireSessionWithQuery, requireLogin, async (c) => {
      const list = await getAllUnread(c.get('session').lyskom, pathNumber(c, 'pers_no', MAX_CONF_NO))
      return json({ list: list.map(unreadJson) })
    })
    .get(one, requireSessionWithQuery, requireLogin, notMember, async (c) => {
      const [persNo, confNo] = numbers(c)
      return json(membershipJson(await getMembership(c.get('session').lyskom, persNo, confNo)))
    })
    .put(one, requireSession, requireLogin, absent, async (c) => {
      const place = await readBody(c, Join)
      const [persNo, confNo] = numbers(c)
      await addMember(c.get('session').lyskom, persNo, confNo, place)
      return empty(201)
    })
    .delete(
      one,
      requireSession,
      requireLogin,
      namedErrors({ 'undefined-person': 404, 'undefined-conference': 404, 'not-member': 404 }),
      async (c) => {
        const [persNo, confNo] = numbers(c)
        await removeMember(c.get('session').lyskom, persNo, confNo)
        return empty(204)
      },
    )
    .get(`${one}/unread`, requireSessionWithQuery, requireLogin, notMember, async (c) => {
      const [persNo, confNo] = numbers(c)
      return json(unreadJson(await getUnread(c.get('session').lyskom, persNo, confNo)))
    })
    .post('/current/memberships/:conf_no{[0-9]+}/unread', requireSession, requireLogin, async (c) => {
      const { no_of_unread } = await readBody(c, SetUnread)
      await setUnread(c.get('session').lyskom, pathNumber(c, 'conf_no', MAX_CONF_NO), no_of_unread)
      return empty(204)
    })
}

function numbers(c: Parameters<typeof pathNumber>[0]): [persNo: number, confNo: number] {
  return [pathNumber(c, 'pers_no', MAX_CONF_NO), pathNumber(c, 'conf_no', MAX_CONF_NO)]
}
