import { describe, expect, test } from 'vitest'
import { Database, NO_MEMBERSHIP_FLAGS } from '../../src/demo/database.ts'
import { MAILBOX_TYPE, NO_PRIVILEGES } from '../../src/demo/demo-data.ts'
import type { Conference } from '../../src/demo/model.ts'
import {
  ACCESS,
  access,
  conferenceFor,
  mayRead,
  membershipView,
  submitTo,
  visibleMisc,
} from '../../src/demo/permissions.ts'

const OPEN = { ...MAILBOX_TYPE, letterbox: false, rdProt: false }
const CLOSED = { ...OPEN, rdProt: true }
const SECRET = { ...CLOSED, secret: true }
const created = new Date()

/**
 * Creates a database with person 1, who supervises all conferences, person 2, who is a member of all, and persons 3 and
 * 4, who are members of none. Person 4 has the wheel privilege.
 */
function world() {
  const db = new Database({ confPresConf: 0, persPresConf: 0, motdConf: 0, komNewsConf: 0, motd: 0 })
  for (const no of [1, 2, 3, 4]) {
    db.addConference({ no, name: `P${no}`, type: MAILBOX_TYPE, created, creator: no, supervisor: no, superConf: 0 })
    db.addPerson(no, '', { ...NO_PRIVILEGES, wheel: no === 4 }, false)
  }
  const add = (name: string, type: typeof OPEN): Conference => {
    const conf = db.addConference({ name, type, created, creator: 1, supervisor: 1, superConf: 0 })
    join(conf)
    return conf
  }
  const join = (conf: Conference, secret = false) => {
    const membership = {
      person: 2,
      conf: conf.no,
      priority: 100,
      addedBy: 2,
      addedAt: created,
      type: { ...NO_MEMBERSHIP_FLAGS, secret },
      lastTimeRead: created,
      read: [],
    }
    db.addMembership(membership, 0)
    return membership
  }
  return { db, join, open: add('Open', OPEN), closed: add('Closed', CLOSED), secret: add('Secret', SECRET) }
}

const viewer = (person: number, level = 0) => ({ person, level })

describe('access', () => {
  const { db, open, closed, secret } = world()
  test.each([
    ['a supervisor', viewer(1), ['unlimited', 'unlimited', 'unlimited']],
    ['a member', viewer(2), ['member', 'member', 'member']],
    ['a person without membership', viewer(3), ['limited', 'readProtected', 'none']],
    ['an anonymous session', viewer(0), ['limited', 'readProtected', 'none']],
    ['a person with the wheel privilege disabled', viewer(4), ['limited', 'readProtected', 'none']],
    ['a person with the wheel privilege enabled', viewer(4, 255), ['unlimited', 'unlimited', 'unlimited']],
  ] as const)('returns the access levels of %s', (_, who, expected) => {
    expect([open, closed, secret].map((conf) => access(db, who, conf))).toEqual(expected.map((name) => ACCESS[name]))
  })

  test('reports a secret conference as undefined to non-members', () => {
    expect(() => conferenceFor(db, viewer(3), secret.no)).toThrow('undefined-conference')
    expect(conferenceFor(db, viewer(2), secret.no)).toBe(secret)
  })
})

test('mayRead permits the author of a text and persons who may read one of its recipients', () => {
  const { db, open, closed, secret } = world()
  const write = (author: number, ...confs: Conference[]) =>
    db.addText({
      author,
      created,
      body: Buffer.from('x'),
      auxItems: [],
      misc: confs.map(({ no }) => ({ kind: 'recpt', conf: no })),
    })
  const readers = (text: ReturnType<typeof write>) => [0, 1, 2, 3].filter((person) => mayRead(db, viewer(person), text))
  expect(readers(write(3))).toEqual([3])
  expect(readers(write(3, closed))).toEqual([1, 2, 3])
  expect(readers(write(1, secret))).toEqual([1, 2])
  expect(readers(write(1, secret, open))).toEqual([1, 2, 3])
})

test('visibleMisc hides secret recipients and bcc recipients from other persons', () => {
  const { db, open, secret } = world()
  const text = db.addText({
    author: 2,
    created,
    body: Buffer.from('x'),
    auxItems: [],
    misc: [
      { kind: 'recpt', conf: open.no },
      { kind: 'recpt', conf: secret.no },
      { kind: 'bcc-recpt', conf: 4 },
    ],
  })
  const seen = (person: number) => visibleMisc(db, viewer(person), text).map((item) => 'conf' in item && item.conf)
  expect(seen(2)).toEqual([open.no, secret.no, 4])
  expect(seen(3)).toEqual([open.no])
  expect(seen(4)).toEqual([open.no, 4])
})

test('submitTo returns the first super-conference that accepts the text and rejects it if there is none', () => {
  const { db, open, closed } = world()
  closed.permittedSubmitters = 1
  expect(() => submitTo(db, viewer(3), closed, false)).toThrow('access-denied')
  closed.superConf = open.no
  expect(submitTo(db, viewer(3), closed, false)).toBe(open)
  open.permittedSubmitters = 1
  open.superConf = closed.no
  expect(() => submitTo(db, viewer(3), closed, false)).toThrow('access-denied')
})

test('membershipView shows a secret membership to the member and the supervisor of the conference', () => {
  const { db, open, join } = world()
  const membership = join(open, true)
  expect([1, 2, 3].map((person) => membershipView(db, viewer(person), membership))).toEqual(['all', 'all', 'none'])
})

test('membershipView hides the unread texts of a person with unread-is-secret', () => {
  const { db, open, join } = world()
  const membership = join(open)
  const person = db.persons.get(2)
  if (person) person.unreadIsSecret = true
  const views = [1, 2, 3].map((no) => membershipView(db, viewer(no), membership))
  expect(views).toEqual(['unread-hidden', 'all', 'unread-hidden'])
})
