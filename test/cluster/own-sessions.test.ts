import { describe, expect, it } from 'vitest'
import { expectWithin, timed } from '../support/bound.ts'
import { EventClient } from '../support/event-client.ts'
import type { TestGateway } from '../support/gateway.ts'
import { canStartCluster, onCluster, SERVER, WHO_AM_I } from './stage.ts'

const MINE = `/${SERVER}/sessions/mine`
/** A message between nodes, and the end of the connection to the LysKOM server. */
const AT_ONCE_MS = 500

interface Listed {
  handle: string
  client: string
}

describe.skipIf(!canStartCluster)('the sessions of a person on several nodes', () => {
  const stage = onCluster()
  const nodeAt = (i: number): TestGateway => stage.cluster.nodes[i] as TestGateway

  /** Opens a session of the person on each node. Returns their ids when each node lists them all. */
  async function logInEverywhere(): Promise<[string, string, string]> {
    const ids = await Promise.all(stage.cluster.nodes.map((node) => stage.logIn(node)))
    // Records are written after the response to the login.
    for (const id of ids) await expect.poll(async () => (await mine(id)).length, { interval: 5 }).toBe(2)
    return ids as [string, string, string]
  }

  /** The other sessions of the person, as a node lists them. */
  async function mine(id: string, node = stage.owner): Promise<Listed[]> {
    const { status, json } = await node.send('GET', MINE, { id })
    expect(status).toBe(200)
    return json.sessions
  }

  /** The status of who-am-i with each id, each at another node than that of the session. */
  const statuses = (ids: readonly string[]): Promise<number[]> =>
    Promise.all(ids.map(async (id, i) => (await nodeAt((i + 1) % 3).send('GET', WHO_AM_I, { id })).status))

  /** Expects sessions to end on their nodes as soon as the response to the request has come that ends them. */
  async function expectEnd(ids: readonly string[], expected: readonly number[]): Promise<void> {
    const ended = await timed(() => expect.poll(() => statuses(ids), { interval: 5 }).toEqual(expected))
    expectWithin(AT_ONCE_MS, ended.ms, 'a session is ended by another node')
  }

  it('are listed by each node, whichever is asked', async () => {
    const ids = await logInEverywhere()
    const seen = await Promise.all(ids.map((id) => mine(id)))
    const handles = new Set(seen.flat().map(({ handle }) => handle))
    expect(handles.size).toBe(3)
    for (const [i, id] of ids.entries()) {
      const listed = (list: Listed[]) => list.map(({ handle }) => handle).toSorted((a, b) => a.localeCompare(b))
      const expected = listed(seen[i] as Listed[])
      for (const node of stage.cluster.nodes) expect(listed(await mine(id, node))).toEqual(expected)
    }
    await stage.other.send('DELETE', MINE, { id: ids[0] })
    await expectEnd(ids, [403, 403, 403])
  })

  it('end at once on their nodes when the person ends one by its handle', async () => {
    const ids = await logInEverywhere()
    const [first, second, third] = ids
    const events = await EventClient.open(`${stage.owner.url}/${SERVER}/sessions/current/events`, { id: third })
    const ofThird = new Set((await mine(first)).map(({ handle }) => handle))
    for (const { handle } of await mine(third)) ofThird.delete(handle)
    const [handle] = ofThird
    expect((await nodeAt(1).send('DELETE', `${MINE}/${handle}`, { id: second })).status).toBe(204)
    await expectEnd(ids, [200, 200, 403])
    expect(await events.first(1)).toMatchObject([{ type: 'closed' }])
    await events.ended
    expect((await nodeAt(0).send('DELETE', `${MINE}/${handle}`, { id: first })).status).toBe(404)
    await stage.other.send('DELETE', MINE, { id: first })
    await expectEnd(ids, [403, 403, 403])
  })

  it('end at once on all nodes when the person ends all, but for the current one', async () => {
    const ids = await logInEverywhere()
    const anonymous = await stage.owner.open()
    const kept = await nodeAt(2).send('DELETE', `${MINE}?except=current`, { id: ids[1] })
    expect([kept.status, kept.json]).toEqual([200, { ended: 2 }])
    await expectEnd(ids, [403, 200, 403])
    const last = await nodeAt(0).send('DELETE', MINE, { id: ids[1] })
    expect(last.json).toEqual({ ended: 1 })
    await expectEnd([...ids], [403, 403, 403])
    expect((await stage.other.send('GET', WHO_AM_I, { id: anonymous })).status).toBe(200)
  })
})
