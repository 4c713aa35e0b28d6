import { setTimeout as sleep } from 'node:timers/promises'
import { RawClient } from './raw-client.ts'

interface Player {
  client: RawClient
  sessionNo: string
  messages: string[]
}

/**
 * Plays a dialogue with a server and returns the transcript: each request with its reply, and the messages that each
 * client received. Each line of a dialogue has one of these forms:
 *
 *     name: request   Sends a request without its reference number. `"text"` stands for a string, `\xNN` for a byte,
 *                     `128*(1 )` for `1 ` 128 times and `@name` for the session number of another client.
 *     128x name: request
 *                     Sends the request 128 times. Only the last reply is in the transcript.
 *     closed name     Waits until the server has closed the connection.
 *     drop name       Resets the connection and waits until the server has ended the session.
 *     tick            Waits until the server's clock shows a new second. Times in later replies are compared by the last
 *                     tick before them: `TIME+2` is a time after the second tick.
 *     # comment
 */
export async function play(port: number, dialogue: string): Promise<string[]> {
  const players = new Map<string, Player>()
  const transcript: string[] = []
  /** The server's time at each tick, in seconds. */
  const ticks: number[] = []

  const find = async (name: string) => {
    const known = players.get(name)
    if (known !== undefined) return known
    const client = await RawClient.open(port)
    const { reply } = await client.ask('56')
    const fresh = { client, sessionNo: reply.slice(1).trim(), messages: [] as string[] }
    players.set(name, fresh)
    return fresh
  }

  const commands: Record<string, (name: string) => Promise<void>> = {
    closed: async (name) => {
      await players.get(name)?.client.closed()
      players.delete(name)
    },
    drop: async (name) => {
      const { client, sessionNo } = await find(name)
      client.socket.resetAndDestroy()
      players.delete(name)
      const { client: clock } = await find('clock')
      while ((await sessionsOf(clock)).has(sessionNo)) await sleep(5)
    },
    tick: async () => {
      const { client: clock } = await find('clock')
      ticks.push(await nextSecond(clock))
    },
  }

  for (const line of dialogue.split('\n')) {
    const [, command = '', argument = ''] = /^(\w+)(?: (\w+))?$/.exec(line) ?? []
    await commands[command]?.(argument)
    const [, times = '1', name, written] = /^(?:(\d+)x )?(\w+): (.*)$/.exec(line) ?? []
    if (name === undefined || written === undefined) continue
    const to = await find(name)
    const request = written
      .replace(/@(\w+)/g, (_, other: string) => players.get(other)?.sessionNo ?? '0')
      .replace(/\\x(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      .replace(/"([^"]*)"/g, (_, text: string) => `${text.length}H${text}`)
      .replace(/(\d+)\*\(([^)]*)\)/g, (_, count: string, part: string) => part.repeat(Number(count)))
    let reply = ''
    for (let i = 0; i < Number(times); i++) {
      const answer = await to.client.ask(request)
      to.messages.push(...answer.messages)
      reply = answer.reply
    }
    transcript.push(`${line}\n  ${masked(request, reply, ticks)}`)
  }
  for (const [name, { client, messages }] of players) {
    // Pending messages arrive before the reply to this request.
    const { messages: last } = await client.ask('56')
    transcript.push(...[...messages, ...last].map((message) => `${name} received ${masked('', message, ticks)}`))
  }
  for (const { client } of players.values()) {
    client.send('9999 55 0\n')
    await client.closed()
  }
  return transcript
}

/** Returns the session numbers in the reply to who-is-on-dynamic. */
async function sessionsOf(client: RawClient): Promise<Set<string>> {
  const { reply } = await client.ask('83 1 1 0')
  return new Set([...reply.matchAll(/(\d+) \d+ \d+ \d+ [01]{8} /g)].map(([, no]) => no as string))
}

/** Returns the server's time in seconds since an arbitrary start. */
async function timeOf(client: RawClient): Promise<number> {
  return seconds((await client.ask('35')).reply.slice(1).trim())
}

/** Waits until get-time returns a later second than now, and returns that second. */
async function nextSecond(client: RawClient): Promise<number> {
  const start = await timeOf(client)
  for (;;) {
    const now = await timeOf(client)
    if (now > start) return now
    await sleep(1000 - (Date.now() % 1000))
  }
}

/** Converts a time in protocol form to seconds since an arbitrary start. */
function seconds(time: string): number {
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = time.split(' ').map(Number)
  return Date.UTC(year + 1900, month, day, hour, minute, second) / 1000
}

const TIME = /\b\d\d? \d\d? \d\d? \d\d? \d\d? (?:1\d\d|91) [0-6] \d{1,3} [01]\b/g

/** Masks what differs between two servers: times before the first tick, idle times and durations. */
function masked(request: string, line: string, ticks: readonly number[]): string {
  const timeless = line.replace(TIME, (time) => {
    const before = ticks.filter((tick) => tick <= seconds(time)).length
    return before === 0 ? 'TIME' : `TIME+${before}`
  })
  // who-is-on-dynamic: idle time
  if (request.startsWith('83 ')) return timeless.replace(/ \d+ ([01]{8}) /g, ' IDLE $1 ')
  // get-person-stat: total time present
  if (request.startsWith('49 ')) return timeless.replace(/(TIME(?:\+\d+)?) (\d+) \d+ /, '$1 $2 SECONDS ')
  return timeless
}
