import type { Connection } from '../../src/connection/connection.ts'
import { mapConcurrent } from '../../src/map-concurrent.ts'
import { noBits } from '../../src/protocol/codec.ts'
import { extendedConfType, type MiscInfo, membershipType, personalFlags } from '../../src/protocol/types.ts'
import { connectTo } from '../../test/support/connection.ts'
import { startKomgate } from '../../test/support/komgate-process.ts'
import { startProxy } from '../../test/support/proxy.ts'
import type { Scope } from '../../test/support/scope.ts'
import { timed } from '../../test/support/statistics.ts'
import { alternate, compare, type Row, runPart, startInstalledLyskomd } from '../part.ts'

const ADMINISTRATOR = { person: 5, passwd: 'gazonk', invisible: true }
const PASSWORD = 'bench'
/** Time of a round trip between the gateway and lyskomd, in milliseconds. */
const RTT_MS = 50
const CONFERENCES = 200
const TEXTS_PER_CONFERENCE = 25
const ROUNDS = 5
/** Texts that jskom reads ahead of the first one, and the default number of a start. */
const TEXTS = [5, 20]

interface Unread {
  conf_no: number
  unread_texts: number[]
}

/** Creates a member of 200 conferences with 5,000 unread texts, in threads. Returns the number of the person. */
async function createContent(connection: Connection): Promise<number> {
  await connection.call('login', ADMINISTRATOR)
  const reader = { name: 'Reader', passwd: PASSWORD, flags: noBits(personalFlags), auxItems: [] }
  const persNo = await connection.call('create-person', reader)
  const type = noBits(extendedConfType)
  const names = Array.from({ length: CONFERENCES }, (_, i) => `A conference of the benchmark ${i}`)
  const confNos = await mapConcurrent(names, (name) => connection.call('create-conf', { name, type, auxItems: [] }))
  const text = Buffer.from(`the subject of a text\n${'a line of the body\n'.repeat(50)}`)
  await mapConcurrent(confNos, async (confNo) => {
    let commented: number | undefined
    for (let i = 0; i < TEXTS_PER_CONFERENCE; i++) {
      const miscInfo: MiscInfo[] = [{ kind: 'recpt', value: confNo }]
      if (commented !== undefined) miscInfo.push({ kind: 'comm-to', value: commented })
      commented = await connection.call('create-text', { text, miscInfo, auxItems: [] })
    }
  })
  await connection.call('login', { person: persNo, passwd: PASSWORD, invisible: true })
  for (const [i, confNo] of confNos.entries()) {
    const membership = { confNo, persNo, priority: 100, where: i + 1, type: noBits(membershipType) }
    await connection.call('add-member', membership)
  }
  return persNo
}

/** Measures a start for a member of many conferences on a lyskomd that is far away. */
async function measure(scope: Scope): Promise<Row[]> {
  const lyskomd = await startInstalledLyskomd(scope)
  if (lyskomd === undefined) return []
  const near = scope.use(await connectTo(lyskomd.port), (connection) => connection.close())
  const pers_no = await createContent(near)
  const proxy = await startProxy(lyskomd, (line) => line.delay(RTT_MS / 2))
  scope.use(proxy, (running) => running.close())
  // Texts that one session has read would be read from the cache by the next one.
  const args = ['--body-cache-bytes', '0']
  const { port } = await startKomgate(scope, { servers: { far: proxy.port }, args })

  const send = async <T>(method: string, path: string, id?: string, body?: object): Promise<T> => {
    const headers = { 'Content-Type': 'application/json', ...(id !== undefined && { 'Httpkom-Connection': id }) }
    const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) }
    const response = await fetch(`http://127.0.0.1:${port}/far/${path}`, init)
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
    return (await response.json()) as T
  }
  /** Measures the first screen in a new session, whose caches are empty. */
  const inNewSession = async (firstScreen: (id: string) => Promise<unknown>): Promise<number> => {
    const client = { name: 'bench', version: '1' }
    const { connection_id: id } = await send<{ connection_id: string }>('POST', 'sessions/', undefined, { client })
    await send('POST', 'sessions/current/login', id, { pers_no, passwd: PASSWORD })
    const time = await timed(() => firstScreen(id))
    const ended = await fetch(`http://127.0.0.1:${port}/far/sessions/0`, {
      method: 'DELETE',
      headers: { 'Httpkom-Connection': id },
    })
    if (!ended.ok) throw new Error(`the session does not end: ${ended.status}`)
    return time
  }

  /**
   * The requests of jskom: the unread memberships and the unread texts at once, then all memberships, and meanwhile the
   * first texts, each after the one before it, because a text determines which one is read next.
   */
  const jskom = async (id: string, count: number): Promise<void> => {
    const memberships = `persons/${pers_no}/memberships`
    const [, { list }] = await Promise.all([
      send('GET', `${memberships}/?unread=true`, id),
      send<{ list: Unread[] }>('GET', `${memberships}/unread/`, id),
    ])
    const textNos = list.flatMap(({ unread_texts }) => unread_texts)
    if (textNos.length !== CONFERENCES * TEXTS_PER_CONFERENCE) throw new Error(`${textNos.length} unread texts`)
    await Promise.all([
      send('GET', `${memberships}/?unread=false&first=0&no-of-memberships=500`, id),
      (async () => {
        for (const textNo of textNos.slice(0, count)) await send('GET', `texts/${textNo}`, id)
      })(),
    ])
  }
  const start = async (id: string, texts: number): Promise<void> => {
    const started = await send<{ unread: Unread[]; memberships: object[]; texts: object }>(
      'POST',
      'sessions/current/start',
      id,
      { texts },
    )
    const counts = [started.unread.length, started.memberships.length, Object.keys(started.texts).length]
    if (counts.join() !== [CONFERENCES, CONFERENCES + 1, texts].join()) throw new Error(`a start with ${counts}`)
  }

  const rows: Row[] = []
  for (const texts of TEXTS) {
    const times = await alternate(`${texts} texts`, ROUNDS, {
      start: () => inNewSession((id) => start(id, texts)),
      jskom: () => inNewSession((id) => jskom(id, texts)),
    })
    const what = `a start with ${texts} texts, ${CONFERENCES} conferences, lyskomd ${RTT_MS} ms away`
    rows.push(compare({ what, against: "jskom's requests", aim: '<= 0.5' }, times.start, times.jskom, 'ms'))
  }
  return rows
}

await runPart('start', measure)
