import { expect } from 'vitest'
import { killPrograms } from './example.ts'
import { type FaultyGateway, startFaultyGateway } from './faulty-gateway.ts'
import { startTestGateway, type TestGateway } from './gateway.ts'

const READER = 6

/** A gateway with a demo server, behind a proxy for the example programs, and a session of Demo Reader beside theirs. */
export class ExampleStage {
  readonly gateway: TestGateway
  readonly proxy: FaultyGateway
  /** the connection id of the reader's session */
  reader = ''

  private constructor(gateway: TestGateway, proxy: FaultyGateway) {
    this.gateway = gateway
    this.proxy = proxy
  }

  static async start(): Promise<ExampleStage> {
    const gateway = await startTestGateway([{ id: 'demo', demo: true }])
    const stage = new ExampleStage(gateway, await startFaultyGateway(gateway.url))
    stage.reader = await stage.logIn(READER)
    return stage
  }

  /** Logs a person in on a new session. Returns the connection id. */
  async logIn(pers_no: number): Promise<string> {
    const id = await this.gateway.open()
    const json = { pers_no, passwd: 'demo' }
    expect((await this.gateway.send('POST', '/demo/sessions/current/login', { id, json })).status).toBe(201)
    return id
  }

  /** Writes a text as the reader. Returns its number. */
  async write(subject: string, conf_no: number, body = ''): Promise<number> {
    const recipient_list = [{ type: 'to', recpt: { conf_no } }]
    const json = { subject, body, content_type: 'text/plain', recipient_list }
    return (await this.gateway.send('POST', '/demo/texts/', { id: this.reader, json })).json.text_no
  }

  /** Returns the comments to a text. */
  async commentsTo(textNo: number) {
    const text = async (no: number) => (await this.gateway.send('GET', `/demo/texts/${no}`, { id: this.reader })).json
    const numbers: number[] = (await text(textNo)).comment_in_list.map((link: { text_no: number }) => link.text_no)
    return await Promise.all(numbers.map(text))
  }

  /** Stops the programs, the proxy and the gateway. */
  async close(): Promise<void> {
    await killPrograms()
    await this.proxy.close()
    await this.gateway.close()
  }
}
