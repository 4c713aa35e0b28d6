import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DemoConference, DemoData } from '../../src/demo/demo-data.ts'
import { type DemoServer, startDemoServer } from '../../src/demo/server.ts'
import { type Lyskomd, lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'
import { play } from './dialogue.ts'
import { RawClient } from './raw-client.ts'

const DIALOGUES = new URL('dialogues/', import.meta.url)
/** Dialogues about asynchronous messages, which begin with Debian's initial data. */
const MESSAGES = new URL('messages/', DIALOGUES)

interface Servers {
  real: Lyskomd
  demo: DemoServer
  stop(): Promise<void>
}

describe.skipIf(!lyskomdInstalled())('demo server', () => {
  let servers: Servers
  beforeAll(async () => {
    servers = await startBoth()
  })
  afterAll(() => servers?.stop())

  // Each dialogue continues in the state that the previous one left on both servers.
  for (const { title, dialogue } of dialogues(DIALOGUES)) {
    test(title, { timeout: 60_000 }, () => compare(servers, dialogue))
  }
})

describe.skipIf(!lyskomdInstalled())('new demo server', () => {
  for (const { title, dialogue } of dialogues(MESSAGES)) {
    test(title, { timeout: 60_000 }, async () => {
      const servers = await startBoth()
      try {
        await compare(servers, dialogue)
      } finally {
        await servers.stop()
      }
    })
  }
})

/** Returns the dialogues in a folder in alphabetical order, with the titles of their tests. */
function dialogues(folder: URL) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))
  return files.sort().map((file) => {
    const dialogue = readFileSync(new URL(file, folder), 'utf8')
    const topic = dialogue.slice(2, dialogue.indexOf('\n'))
    return { title: `replies byte for byte as lyskomd in the dialogue ${file}: ${topic}`, dialogue }
  })
}

async function compare({ real, demo }: Servers, dialogue: string): Promise<void> {
  const [expected, actual] = await Promise.all([play(real.port, dialogue), play(demo.port, dialogue)])
  expect(actual).toEqual(expected)
}

async function startBoth(): Promise<Servers> {
  const real = await startLyskomd()
  const demo = await startDemoServer({ data: debianDatabase() })
  // The readiness check of startLyskomd was session 1 on lyskomd, so open and close a session here too.
  const first = await RawClient.open(demo.port)
  first.socket.destroy()
  return {
    real,
    demo,
    async stop() {
      await demo.close()
      await real.stop()
    },
  }
}

/** The initial data of Debian's lyskom-server. */
function debianDatabase(): DemoData {
  const names = ['Presentations (for) conferences', 'Presentations (for) members', 'Notices', 'News about LysKOM']
  const created = '1991-09-15T11:48:00Z'
  return {
    info: { motd: 0, confPresConf: 1, persPresConf: 2, motdConf: 3, komNewsConf: 4 },
    conferences: names.map(
      (name, i): DemoConference => ({
        no: i + 1,
        name,
        type: ['allow-anonymous'],
        created,
        creator: 0,
        supervisor: 0,
        superConf: 0,
        permittedSubmitters: 0,
        presentation: 0,
        motd: 0,
      }),
    ),
    persons: [
      {
        no: 5,
        name: 'Administrator (of) LysKOM',
        passwd: 'gazonk',
        privileges: ['wheel', 'admin', 'statistic', 'create-pers', 'create-conf', 'change-name'],
        created,
        presentation: 0,
        memberships: [{ conf: 5, priority: 255 }],
      },
    ],
    texts: [],
  }
}
