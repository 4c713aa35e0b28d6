import { connectTo } from '../../test/support/connection.ts'
import { startKomgate } from '../../test/support/komgate-process.ts'
import { startProxy } from '../../test/support/proxy.ts'
import type { Scope } from '../../test/support/scope.ts'
import { timed } from '../../test/support/statistics.ts'
import { CONFERENCES, createMember, PASSWORD, TEXTS_PER_CONFERENCE } from '../member.ts'
import { alternate, compare, type Row, runPart, startInstalledLyskomd } from '../part.ts'

/** Time of a round trip between the gateway and lyskomd, in milliseconds. */
const RTT_MS = 50
const ROUNDS = 5
/** Texts that jskom reads ahead of the first one, and the default number of a start. */
const TEXTS = [5, 20]

interface Unread {
  conf_no: number
  unread_texts: number[]
}

/** Measures a start for a member of many conferences on a lyskomd that is far away. */
async function measure(scope: Scope): Promise<Row[]> {
  const lyskomd = await startInstalledLyskomd(scope)
  if (lyskomd === undefined) return []
  const near = scope.use(await connectTo(lyskomd.port), (connection) => connection.close())
  const pers_no = await createMember(near)
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
