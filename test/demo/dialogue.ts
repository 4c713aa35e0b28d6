import { RawClient } from './raw-client.ts'

/**
 * Plays a dialogue with a server and writes down what it says. A line of a dialogue is `name: request`, where the
 * request goes without its reference number, `"text"` stands for a string, `\xNN` for a byte and `@name` for that
 * client's session number; `closed name` waits until the server has hung up; `#` begins a comment.
 */
export async function play(port: number, dialogue: string): Promise<string[]> {
  const clients = new Map<string, { client: RawClient; sessionNo: string; messages: string[] }>()
  const transcript: string[] = []

  const find = async (name: string) => {
    const known = clients.get(name)
    if (known !== undefined) return known
    const client = await RawClient.open(port)
    const { reply } = await client.ask('56')
    const fresh = { client, sessionNo: reply.slice(1).trim(), messages: [] as string[] }
    clients.set(name, fresh)
    return fresh
  }

  for (const line of dialogue.split('\n')) {
    const closed = /^closed (\w+)$/.exec(line)?.[1]
    if (closed !== undefined) {
      await clients.get(closed)?.client.closed()
      clients.delete(closed)
    }
    const [, name, written] = /^(\w+): (.*)$/.exec(line) ?? []
    if (name === undefined || written === undefined) continue
    const to = await find(name)
    const request = written
      .replace(/@(\w+)/g, (_, other: string) => clients.get(other)?.sessionNo ?? '0')
      .replace(/\\x(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      .replace(/"([^"]*)"/g, (_, text: string) => `${text.length}H${text}`)
    const { reply, messages } = await to.client.ask(request)
    to.messages.push(...messages)
    transcript.push(`${line}\n  ${masked(request, reply)}`)
  }
  for (const [name, { client, messages }] of clients) {
    // Whatever was on its way is before the answer to this.
    const { messages: last } = await client.ask('56')
    transcript.push(...[...messages, ...last].map((message) => `${name} was told ${masked('', message)}`))
  }
  for (const { client } of clients.values()) {
    client.send('9999 55 0\n')
    await client.closed()
  }
  return transcript
}

/** Without what two servers cannot have in common: times, and seconds that have passed. */
function masked(request: string, line: string): string {
  const timeless = line.replace(/\b\d\d? \d\d? \d\d? \d\d? \d\d? (?:1\d\d|91) [0-6] \d{1,3} [01]\b/g, 'TIME')
  // who-is-on-dynamic: idle time
  if (request.startsWith('83 ')) return timeless.replace(/ \d+ ([01]{8}) /g, ' IDLE $1 ')
  // get-person-stat: total time present
  if (request.startsWith('49 ')) return timeless.replace(/TIME (\d+) \d+ /, 'TIME $1 SECONDS ')
  return timeless
}
