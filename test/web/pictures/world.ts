import { setTimeout as delay } from 'node:timers/promises'
import type { TestGateway } from '../../support/gateway.ts'

const READ_MS = 150
const HOSTILE_BODY = [
  '<script>document.title = "run"</script><img src="http://example.org/x.png" onerror="document.title = 1">',
  'javascript:alert(1) \u202ereversed\u202c \u0007\u001b[31m &amp; <b>bold</b>',
  `${'x'.repeat(2000)} text 1`,
].join('\n\n')

/** What the tests add to the demo world. */
export interface World {
  /** the number of a text full of HTML, control characters and long lines */
  hostileNo: number
  /** Sends Demo Reader a message. */
  sendMessage(text: string): Promise<void>
  /** Makes requests for a time, so that there is something to measure. */
  read(milliseconds: number): Promise<void>
}

/** Adds to the demo world: persons who are logged in, marks of Demo Reader and a hostile text. */
export async function furnish(gateway: TestGateway): Promise<World> {
  const anna = await enter(gateway, 'Anna Exempel', 12)
  await enter(gateway, 'Erik Exempel', 16)
  await enter(gateway, 'Åke Exempel', 15)
  const reader = await enter(gateway, 'Demo Reader', 8)
  for (const no of [8, 27, 39]) {
    await succeed(gateway, reader, 'PUT', `/demo/texts/${no}/mark`, { type: 100 })
  }
  await succeed(gateway, reader, 'POST', '/demo/sessions/current/logout')
  const { text_no } = await succeed(gateway, anna, 'POST', '/demo/texts/', {
    content_type: 'text/plain; charset=utf-8',
    subject: `</h1><script>document.title = 'run'</script> \u202e ${'long'.repeat(40)}`,
    body: HOSTILE_BODY,
    recipient_list: [{ type: 'to', recpt: { conf_no: 9 } }],
  })
  return {
    hostileNo: text_no,
    async sendMessage(message) {
      await succeed(gateway, anna, 'POST', '/demo/messages', { recipient: 6, message })
    },
    async read(milliseconds) {
      const end = performance.now() + milliseconds
      for (let i = 0; performance.now() < end; i++) {
        for (let no = 1; no <= 2 + (i % 7); no++)
          await succeed(gateway, anna, 'GET', `/demo/texts/${1 + ((i * no) % 20)}`)
        await delay(READ_MS)
      }
    },
  }
}

/** Logs a person of the demo world in. @param conference where others see them */
async function enter(gateway: TestGateway, pers_name: string, conference: number): Promise<string> {
  const id = await gateway.open('demo')
  await succeed(gateway, id, 'POST', '/demo/sessions/current/login', { pers_name, passwd: 'demo' })
  await succeed(gateway, id, 'POST', '/demo/sessions/current/working-conference', { conf_no: conference })
  return id
}

async function succeed(gateway: TestGateway, id: string, method: string, path: string, json?: unknown) {
  const answer = await gateway.send(method, path, { id, json })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.json
}
