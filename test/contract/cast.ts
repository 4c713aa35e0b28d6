import { noBits } from '../../src/protocol/codec.ts'
import { extendedConfType, membershipType, personalFlags } from '../../src/protocol/types.ts'
import { connectTo } from '../support/connection.ts'
import { h, wire } from '../support/wire.ts'
import { Author, type Person } from './author.ts'
import type { Backend } from './backends.ts'

/**
 * A user-area block in JSON that JSON.parse and JSON.stringify would change or reject: a number over the range, deep
 * nesting.
 */
export const DEEP_BLOCK = `{"number":1e999,"deep":${'['.repeat(8000)}${']'.repeat(8000)}}`

/** A conference of the cast. */
export interface Conference {
  no: number
  name: string
}

/** The persons, conferences and texts that the contract tests use. */
export interface Cast {
  /** creator of all conferences except the orphan; member of the club, the secret and the closed conference */
  alice: Person
  /** member of the club */
  bob: Person
  /** not a member of any conference */
  carol: Person
  /** deleted person */
  gone: Person
  /** open; alice and bob are members */
  club: Conference
  /** open, without members */
  other: Conference
  /** visible to its member alice only */
  secret: Conference
  /** visible to everyone, readable by its member alice only */
  closed: Conference
  /** accepts anonymous texts, without members */
  anonymous: Conference
  /** created and supervised by the deleted person */
  orphan: Conference
  texts: Texts
}

/** The text numbers of the cast. */
export interface Texts {
  /** by alice, in ISO 8859-1, with a fast reply; recipients: club, cc other, bcc secret */
  root: number
  /** bob's comment on the root */
  comment: number
  /** alice's footnote to the root */
  footnote: number
  /** in the secret conference */
  secret: number
  /** in the club; a comment on the text in the secret conference */
  commentOnSecret: number
  /** in the closed conference */
  closed: number
  /** anonymous, in the conference for anonymous texts */
  anonymous: number
  /** by the deleted person, in the club */
  orphan: number
  /** alice's comment on the orphan */
  commentOnOrphan: number
  /** deleted; it was in the club, a comment on the root */
  deleted: number
  /** alice's user area, with blocks of several programs */
  userArea: number
}

const NO_FLAGS = noBits(personalFlags)
const OPEN_CONFERENCE = noBits(extendedConfType)
const PLAIN_MEMBER = noBits(membershipType)

/** Creates the cast on a LysKOM server by Protocol A. */
export async function makeCast({ port }: Backend): Promise<Cast> {
  const people = await makePeople(port)
  const [alice, bob, gone] = (await Promise.all(
    [people.alice, people.bob, people.gone].map((each) => Author.login(port, each)),
  )) as [Author, Author, Author]
  const conferences = await makeConferences(alice, gone)
  const { club, secret, closed } = conferences
  for (const { no } of [club, secret, closed]) await join(alice, people.alice.no, no)
  await join(bob, people.bob.no, club.no)
  const texts = await makeTexts(alice, bob, gone, conferences)
  await alice.connection.call('set-user-area', { persNo: people.alice.no, userArea: texts.userArea })
  await gone.connection.call('delete-conf', { conf: people.gone.no })
  await Promise.all([alice, bob, gone].map(({ connection }) => connection.close()))
  return { ...people, ...conferences, texts }
}

async function makePeople(port: number) {
  const connection = await connectTo(port)
  const person = async (name: string, passwd: string): Promise<Person> => {
    const no = await connection.call('create-person', { name, passwd, flags: NO_FLAGS, auxItems: [] })
    return { no, name, passwd }
  }
  const people = {
    alice: await person('Contract Alice', 'alice-pw'),
    bob: await person('Contract Böb (the other)', 'bøb'),
    carol: await person('Contract Carol', 'carol'),
    gone: await person('Contract Gone', 'gone'),
  }
  await connection.close()
  return people
}

type Conferences = Awaited<ReturnType<typeof makeConferences>>

async function makeConferences(alice: Author, gone: Author) {
  const conference = async (by: Author, name: string, type: Partial<typeof OPEN_CONFERENCE> = {}) => ({
    no: await by.connection.call('create-conf', { name, type: { ...OPEN_CONFERENCE, ...type }, auxItems: [] }),
    name,
  })
  return {
    club: await conference(alice, 'Contract Club'),
    other: await conference(alice, 'Contract Other'),
    secret: await conference(alice, 'Contract Secret', { rdProt: true, secret: true }),
    closed: await conference(alice, 'Contract Closed', { rdProt: true }),
    anonymous: await conference(alice, 'Contract Anonymous', { allowAnonymous: true }),
    orphan: await conference(gone, 'Contract Orphan'),
  }
}

async function join({ connection }: Author, persNo: number, confNo: number): Promise<void> {
  await connection.call('add-member', { confNo, persNo, priority: 100, where: 1, type: PLAIN_MEMBER })
}

async function makeTexts(
  alice: Author,
  bob: Author,
  gone: Author,
  { club, other, secret, closed, anonymous }: Conferences,
): Promise<Texts> {
  const contentType = 'text/x-kom-basic;charset=iso-8859-1'
  const root = await alice.write({
    text: 'Räksmörgås\nåäö\nrad två',
    contentType,
    fastReply: 'jättebra',
    to: [club.no],
    cc: [other.no],
    bcc: [secret.no],
  })
  const comment = await bob.write({ text: 'Re\nja', contentType, to: [club.no], commentTo: [root] })
  const footnote = await alice.write({ text: 'Not\nnej', contentType, to: [club.no], footnoteTo: [root] })
  const hidden = await alice.write({ text: 'Secret\ninte för alla', contentType, to: [secret.no] })
  const orphan = await gone.write({ text: 'Farewell\nx', contentType, to: [club.no] })
  const deleted = await alice.write({ text: 'Oops\nx', contentType, to: [club.no], commentTo: [root] })
  await alice.delete(deleted)
  const block = '{"mark-type":100,"name":"\\u00e5"}'
  return {
    root,
    comment,
    footnote,
    secret: hidden,
    commentOnSecret: await alice.write({ text: 'Re\nx', contentType, to: [club.no], commentTo: [hidden] }),
    closed: await alice.write({ text: 'Closed\nx', contentType, to: [closed.no] }),
    anonymous: await alice.write({ text: 'Who\nx', contentType, to: [anonymous.no], anonymous: true }),
    orphan,
    commentOnOrphan: await alice.write({ text: 'Re\nx', contentType, to: [club.no], commentTo: [orphan] }),
    deleted,
    userArea: await alice.write({
      text: wire(
        h(wire(h('common'), h('jskom'), h('elisp'), h('deep'))),
        ' ',
        h('2 H'),
        '\n',
        h(block),
        ' ',
        h('(setq kom t)'),
        h(DEEP_BLOCK),
      ),
      contentType: 'x-kom/user-area',
    }),
  }
}
