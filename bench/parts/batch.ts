import { noBits } from '../../src/protocol/codec.ts'
import { personalFlags } from '../../src/protocol/types.ts'
import { connectTo } from '../../test/support/connection.ts'
import type { HttpRequest } from '../../test/support/http-connection.ts'
import { startKomgate } from '../../test/support/komgate-process.ts'
import type { Scope } from '../../test/support/scope.ts'
import { startChild } from '../child.ts'
import { alternate, compare, type Row, runPart, startInstalledLyskomd } from '../part.ts'

const TEXTS = 100
/** Connections that a browser opens to one server. */
const BROWSER_CONNECTIONS = 6
const CALLS = 30
const SINGLE_CALLS = 500
const ROUNDS = 7
const PASSWORD = 'bench'

/** Writes texts to the letterbox of a new person. Returns the numbers of the person and of the texts. */
async function createTexts(port: number): Promise<{ person: number; texts: number[] }> {
  const connection = await connectTo(port)
  const flags = noBits(personalFlags)
  const person = await connection.call('create-person', { name: 'Reader', passwd: PASSWORD, flags, auxItems: [] })
  await connection.call('login', { person, passwd: PASSWORD, invisible: true })
  const texts: number[] = []
  for (let i = 0; i < TEXTS; i++) {
    const miscInfo = [{ kind: 'recpt' as const, value: person }]
    const text = Buffer.from(`subject ${i}\nbody`)
    texts.push(await connection.call('create-text', { text, miscInfo, auxItems: [] }))
  }
  await connection.close()
  return { person, texts }
}

/** Measures many reads in one request against one request for each, and a typed call against who-am-i, on lyskomd. */
async function measure(scope: Scope): Promise<Row[]> {
  const lyskomd = (await startInstalledLyskomd(scope))?.port
  if (lyskomd === undefined) return []
  const { person, texts } = await createTexts(lyskomd)
  const { port } = await startKomgate(scope, { servers: { lyskomd } })
  const load = await startChild<typeof import('../http-load.ts')>(scope, 'http-load')
  const ids = await load.call('openSessions', port, 'lyskomd', 1)
  await load.call('logIn', port, 'lyskomd', ids, { pers_no: person, passwd: PASSWORD })
  const [id] = ids as [string]

  const post = (path: string, json: unknown): HttpRequest => ({ method: 'POST', path: `/lyskomd/${path}`, id, json })
  const get = (path: string): HttpRequest => ({ method: 'GET', path: `/lyskomd/${path}`, id })
  const requests = texts.map((no) => ({ id: String(no), method: 'GET', url: `/textstats/${no}` }))
  const time = (all: HttpRequest[], connections: number, calls: number) => () =>
    load.call('p50OfAll', port, all, connections, calls)
  const times = await alternate('requests', ROUNDS, {
    batch: time([post('batch', { requests })], 1, CALLS),
    single: time(
      texts.map((no) => get(`textstats/${no}`)),
      BROWSER_CONNECTIONS,
      CALLS,
    ),
    list: time([post('textstats', { text_nos: texts })], 1, CALLS),
    call: time([post('calls/who-am-i', undefined)], 1, SINGLE_CALLS),
    whoAmI: time([get('sessions/current/who-am-i')], 1, SINGLE_CALLS),
  })
  const row = (
    names: { what: string; against: string; aim: string },
    what: keyof typeof times,
    against: keyof typeof times,
  ) => compare(names, times[what], times[against], 'ms')
  const batch = `${TEXTS} text statuses in one batch`
  const requestsEach = `${TEXTS} requests on ${BROWSER_CONNECTIONS} connections`
  return [
    row({ what: batch, against: requestsEach, aim: '<= 0.35' }, 'batch', 'single'),
    row({ what: batch, against: 'POST /textstats', aim: '<= 1.3' }, 'batch', 'list'),
    row({ what: 'a typed call, who-am-i', against: 'GET who-am-i', aim: '<= 1.1' }, 'call', 'whoAmI'),
  ]
}

await runPart('batch', measure)
