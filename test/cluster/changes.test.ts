import { beforeEach, describe, expect, it } from 'vitest'
import { type ChangeMaker, ChangeRelay, type MadeChange, type ReceivedChange } from '../../src/sessions/change-relay.ts'
import type { Change } from '../../src/sessions/changes.ts'

const SERVERS = new Map([
  ['kom', { host: '127.0.0.1', port: 1 }],
  ['alias', { host: '127.0.0.1', port: 1 }],
  ['other', { host: '127.0.0.1', port: 2 }],
])
const read: Change = { type: 'read', confNo: 4, localNos: [1] }
const linked: Change = { type: 'linked', textNo: 1, to: 2, linkType: 'comment' }

/** A process with sessions, and what they receive. */
class Node {
  readonly relay = new ChangeRelay(SERVERS)
  readonly received: [name: string, ReceivedChange][] = []
  readonly losses: string[] = []
  readonly made: MadeChange[] = []

  constructor() {
    this.relay.on('made', (made) => this.made.push({ ...made, node: 'a' }))
  }

  add(name: string, serverId: string, persNo: number): ChangeMaker {
    const receiver = {
      onChange: (change: ReceivedChange) => void this.received.push([name, change]),
      onLoss: () => void this.losses.push(name),
    }
    this.relay.add({ serverId, persNo }, receiver)
    return { serverId, persNo, receiver }
  }

  /** What the sessions have received: names, and whether the order is unknown. */
  get contested(): [string, boolean][] {
    return this.received.splice(0).map(([name, { isContested }]) => [name, isContested])
  }
}

describe('changes of other nodes', () => {
  let node: Node
  let own: ChangeMaker
  const from = (name: string, change: Change, persNo?: number): MadeChange => {
    return { serverId: 'kom', persNo, change, isContested: false, node: name }
  }
  beforeEach(() => {
    node = new Node()
    own = node.add('own', 'alias', 6)
    node.add('person', 'kom', 7)
    node.add('elsewhere', 'other', 6)
  })

  it('reach the sessions that they concern, as changes of others', () => {
    node.relay.receive(from('a', read, 6))
    expect(node.received).toEqual([['own', { change: read, isOwn: false, isContested: false }]])
    node.received.length = 0
    node.relay.receive(from('a', linked))
    expect(node.contested).toEqual([
      ['own', false],
      ['person', false],
    ])
  })

  it('are passed on once, and not sent to other nodes again', () => {
    node.relay.receive(from('a', read, 6))
    expect(node.made).toEqual([])
    node.relay.begin(own, read)()
    expect(node.made).toMatchObject([{ serverId: 'alias', persNo: 6, change: read, isContested: false }])
  })

  it('are contested while a session here makes one of the same, as is that', () => {
    const end = node.relay.begin(own, read)
    node.relay.receive(from('a', read, 6))
    expect(node.contested).toEqual([['own', true]])
    end()
    expect(node.contested).toEqual([['own', true]])
    expect(node.made).toMatchObject([{ isContested: true }])
  })

  it('are contested shortly after a session here or on a third node has made one of the same', () => {
    node.relay.begin(own, read)()
    node.relay.receive(from('a', read, 6))
    node.relay.receive(from('b', read, 6))
    node.relay.receive(from('b', read, 6))
    node.relay.receive(from('b', { ...read, confNo: 5 }, 6))
    expect(node.contested).toEqual([
      ['own', false],
      ['own', true],
      ['own', true],
      ['own', false],
      ['own', false],
    ])
  })

  it('stay contested if they are contested where they were made', () => {
    node.relay.receive({ ...from('a', read, 6), isContested: true })
    expect(node.contested).toEqual([['own', true]])
  })

  it('are lost for all sessions, if any may be lost', () => {
    node.relay.reportLoss()
    expect(new Set(node.losses)).toEqual(new Set(['own', 'person', 'elsewhere']))
    expect(node.losses).toHaveLength(3)
  })
})
