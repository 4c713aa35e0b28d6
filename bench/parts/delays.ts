import { MESSAGES } from '../../src/protocol/messages.ts'
import { connectTo } from '../../test/support/connection.ts'
import type { Scope } from '../../test/support/scope.ts'
import { medianTime } from '../../test/support/statistics.ts'
import { BareClient, type BareRequest } from '../bare-client.ts'
import { alternate, compare, type Row, runPart, startInstalledLyskomd } from '../part.ts'

const ADMINISTRATOR = { person: 5, passwd: 'gazonk', invisible: false }
const WARM_UP = 3
const CALLS = 9
const ROUNDS = 5

function createText(text: Buffer) {
  const recipient = { kind: 'recpt' as const, value: ADMINISTRATOR.person }
  return { name: 'create-text' as const, params: { text, miscInfo: [recipient], auxItems: [] } }
}

/**
 * Measures the delays caused by lyskomd and the kernel together, through the gateway's connection and with a client
 * that sends nothing while it waits.
 */
async function measure(scope: Scope): Promise<Row[]> {
  const lyskomd = await startInstalledLyskomd(scope)
  if (lyskomd === undefined) return []
  const connection = await connectTo(lyskomd.port, {}, ['async-new-text'])
  scope.use(connection, () => connection.close())
  const bare = scope.use(await BareClient.connect(lyskomd.port, false), (client) => client.close())
  const requestList = [MESSAGES['async-new-text'].number]
  await bare.exchange([BareClient.format({ name: 'accept-async', params: { requestList } })])
  await bare.exchange([BareClient.format({ name: 'login', params: ADMINISTRATOR })])
  await connection.call('login', ADMINISTRATOR)
  const longText = createText(Buffer.alloc(50_000, 'text '))
  const text = await connection.call(longText.name, longText.params)
  const confs = Array.from({ length: 20 }, (_, i) => ({
    name: 'get-conf-stat' as const,
    params: { confNo: 1 + (i % 5) },
  }))
  const operations: Record<string, BareRequest[]> = {
    'posting a text, async-new-text accepted': [createText(Buffer.from('a subject\na body'))],
    'fetching a text of 50 kB': [{ name: 'get-text', params: { text, startChar: 0, endChar: 2 ** 31 - 1 } }],
    '20 pipelined get-conf-stat': confs,
  }
  const rows: Row[] = []
  for (const [title, requests] of Object.entries(operations)) {
    const formatted = requests.map(BareClient.format)
    const call = ({ name, params }: BareRequest) => connection.call(name, params as never)
    const times = await alternate(title, ROUNDS, {
      komgate: () => medianTime(() => Promise.all(requests.map(call)), CALLS, WARM_UP),
      bare: () => medianTime(() => bare.exchange(formatted), CALLS, WARM_UP),
    })
    const names = { what: `p50 of ${title}`, against: "a client without komgate's workaround", aim: 'p50 < 5 ms' }
    rows.push(compare(names, times.komgate, times.bare, 'ms'))
  }
  return rows
}

await runPart('delays', measure)
