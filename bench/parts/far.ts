import type { Connection } from '../../src/connection/connection.ts'
import { connectTo } from '../../test/support/connection.ts'
import { startKomgate } from '../../test/support/komgate-process.ts'
import { startProxy } from '../../test/support/proxy.ts'
import type { Scope } from '../../test/support/scope.ts'
import { medianTime, timed } from '../../test/support/statistics.ts'
import { alternate, compare, type Row, runPart, startInstalledLyskomd } from '../part.ts'

const ADMINISTRATOR = { person: 5, passwd: 'gazonk' }
/** Time of a round trip between the gateway and lyskomd, in milliseconds. */
const RTT_MS = 50
const TEXTS = 200
/** Number of calls that the gateway makes at once on a connection. A text takes two calls. */
const IN_FLIGHT = 20
const ROUNDS = 5
/** Longer than the texts that the gateway caches when it reads their subjects. */
const TEXT = Buffer.from(`the subject of a text\n${'a line of the body\n'.repeat(50)}`)

/** Threads, by the number of the text that the n-th one comments. */
const THREADS: Record<string, (n: number) => number> = {
  narrow: (n) => Math.max(0, n - 5),
  wide: (n) => Math.floor((n - 1) / 3),
}

/** Writes a thread. Returns the number of its topmost text, and its height in links. */
async function write(
  connection: Connection,
  commented: (n: number) => number,
): Promise<{ root: number; height: number }> {
  const texts: { no: number; level: number }[] = []
  for (let n = 0; n < TEXTS; n++) {
    const to = n === 0 ? undefined : texts[commented(n)]
    const no = await connection.call('create-text', {
      text: TEXT,
      miscInfo: [
        { kind: 'recpt', value: ADMINISTRATOR.person },
        ...(to === undefined ? [] : [{ kind: 'comm-to' as const, value: to.no }]),
      ],
      auxItems: [],
    })
    texts.push({ no, level: to === undefined ? 0 : to.level + 1 })
  }
  return { root: texts[0]?.no ?? 0, height: Math.max(...texts.map(({ level }) => level)) }
}

/** Measures operations of many calls on a lyskomd that is far away. */
async function measure(scope: Scope): Promise<Row[]> {
  const lyskomd = await startInstalledLyskomd(scope)
  if (lyskomd === undefined) return []
  const near = scope.use(await connectTo(lyskomd.port), (connection) => connection.close())
  await near.call('login', { ...ADMINISTRATOR, invisible: true })
  const proxy = await startProxy(lyskomd, (line) => line.delay(RTT_MS / 2))
  scope.use(proxy, (running) => running.close())
  const { port } = await startKomgate(scope, { servers: { far: proxy.port } })

  const send = async (method: string, path: string, id?: string, body?: object) => {
    const headers = { 'Content-Type': 'application/json', ...(id !== undefined && { 'Httpkom-Connection': id }) }
    const response = await fetch(`http://127.0.0.1:${port}/far/${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
    return (await response.json()) as Record<string, string>
  }
  const { connection_id: id } = await send('POST', 'sessions/', undefined, { client: { name: 'bench', version: '1' } })
  const { person: pers_no, passwd } = ADMINISTRATOR
  await send('POST', 'sessions/current/login', id, { pers_no, passwd })

  const rows: Row[] = []
  for (const [name, commented] of Object.entries(THREADS)) {
    const { root, height } = await write(near, commented)
    const times = await alternate(name, ROUNDS, {
      thread: () => timed(() => send('GET', `texts/${root}/tree?up=false&limit=${TEXTS}`, id)),
      call: () => medianTime(() => send('GET', 'sessions/current/who-am-i', id), 5, 1),
    })
    const what = `a ${name} thread of ${TEXTS} texts, ${height} links high, lyskomd ${RTT_MS} ms away`
    const aim = `<= ${Math.max(height, (2 * TEXTS) / IN_FLIGHT) + 3}`
    rows.push(compare({ what, against: 'who-am-i', aim }, times.thread, times.call, 'ms'))
  }
  return rows
}

await runPart('far', measure)
