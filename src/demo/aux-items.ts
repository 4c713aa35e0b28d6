import { KomError } from '../protocol/errors.ts'
import type { AuxItemInput } from '../protocol/types.ts'
import type { Database } from './database.ts'
import type { StoredAuxItem } from './model.ts'
import { supervisesPerson } from './permissions.ts'
import type { Session } from './session.ts'

/** The kinds of objects that have aux-items. */
export type Target = 'text' | 'conf' | 'letterbox' | 'server'
type Flag = 'inherit' | 'secret' | 'hideCreator' | 'dontGarb'

/** Definition of a predefined aux-item, as in lyskomd's aux-items.conf (`info lyskomd`, Aux-Item Definition File). */
interface Rule {
  /** The kinds of objects that may have the item; none if it is disabled. */
  on: readonly Target[]
  /** An object may have only one item with this tag by the same creator. */
  unique?: true
  /** The flags that a client may set; all others are cleared. */
  free?: readonly Flag[]
  /** The inherit-limit is always 1; the value in the request is ignored. */
  limited?: true
  /** The form of the data. */
  pattern?: RegExp
  /** The data is the number of a text that the creator may read. */
  readableText?: true
  /** Only the server creates items with this tag. */
  system?: true
  /** Only the author of a text and the author's supervisors create the item. */
  authorOnly?: true
  /** Only the supervisors of the author create the item. */
  supervisorOnly?: true
  /** The item cannot be added to an existing object. */
  atCreation?: true
  /** The item cannot be deleted. */
  permanent?: true
  /** The supervisors of the author of the text may delete the item. */
  ownerDelete?: true
}

const TEXT: readonly Target[] = ['text']
const CONFERENCES: readonly Target[] = ['conf', 'letterbox']
const ANY: readonly Target[] = ['text', 'conf', 'letterbox']
/** The properties of items that belong to the author. */
const AUTHOR = { authorOnly: true } as const
/** The properties of items that belong to the supervisors of a conference. */
const SUPERVISOR = { supervisorOnly: true, ownerDelete: true } as const

/** Definitions by tag. */
const RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [1, { on: TEXT, ...AUTHOR, unique: true, limited: true, pattern: /^[^/]*\/[^/]*(;.*)?$/ }],
  [2, { on: TEXT, limited: true }],
  [3, { on: ANY, free: ['secret', 'hideCreator'], limited: true, pattern: /^[CTP][0-9]+( .*)?$/ }],
  [4, { on: TEXT, ...AUTHOR, unique: true, limited: true, pattern: /^$/ }],
  [5, { on: TEXT, ...AUTHOR, unique: true, limited: true, pattern: /^$/ }],
  [6, { on: TEXT, ...AUTHOR, unique: true, limited: true, pattern: /^$/ }],
  [7, { on: TEXT, limited: true, permanent: true, pattern: /^$/ }],
  [8, { on: CONFERENCES, ...SUPERVISOR, limited: true, pattern: /^(LysKOM|E-mail):/ }],
  [9, { on: CONFERENCES, ...SUPERVISOR, limited: true }],
  [10, { on: ANY, free: ['secret', 'hideCreator'] }],
  [11, { on: TEXT, free: ['secret'], limited: true, permanent: true }],
  [12, { on: ['letterbox'], ...AUTHOR, free: ['secret'], limited: true }],
  [13, { on: CONFERENCES, ...AUTHOR, free: ['secret'], limited: true }],
  [14, { on: CONFERENCES, ...AUTHOR, free: ['dontGarb'], limited: true, pattern: /^[1-9][0-9]*$/, readableText: true }],
  [15, { on: TEXT, ...AUTHOR, unique: true, free: ['secret'], permanent: true }],
  [16, { on: TEXT, ...AUTHOR, unique: true, atCreation: true }],
  [17, { on: TEXT, ...AUTHOR }],
  [18, { on: TEXT, ...AUTHOR }],
  [19, { on: TEXT }],
  [20, { on: TEXT }],
  [21, { on: TEXT, ...AUTHOR, unique: true, pattern: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( [-+]\d{4})?$/ }],
  [22, { on: TEXT, ...AUTHOR, unique: true }],
  [23, { on: TEXT, ...AUTHOR }],
  [24, { on: TEXT, ...AUTHOR, unique: true }],
  [25, { on: [] }],
  [26, { on: [] }],
  [27, { on: ['letterbox'], ...AUTHOR, free: ['secret'], pattern: /^[0-9]+$/, readableText: true }],
  [28, { on: TEXT, system: true }],
  [29, { on: ['server'], pattern: /^[0-9]+(| [0-9]+(| [01]+))$/ }],
  [30, { on: CONFERENCES, ...SUPERVISOR, pattern: /^[0-9]+ [^/ ]*\/[^/ ]*$/ }],
  [31, { on: ['server'], supervisorOnly: true, unique: true, pattern: /^[-A-Za-z0-9.]+(:[0-9]+)?$/ }],
  [32, { on: ['conf'], ...AUTHOR, unique: true, pattern: /^[^@]+@[^@]+$/ }],
  [
    33,
    {
      on: ['letterbox'],
      ...AUTHOR,
      unique: true,
      free: ['inherit', 'dontGarb'],
      pattern: /^(0|[1-9][0-9]*)( (0|1|15))?$/,
    },
  ],
  [34, { on: TEXT, ...AUTHOR, ownerDelete: true, unique: true, limited: true, pattern: /^$/ }],
  [35, { on: CONFERENCES, ...SUPERVISOR, pattern: /^(all|spam|html)$/ }],
  [10100, { on: TEXT, ...AUTHOR, pattern: /^[0-9]+$/, readableText: true }],
  [10101, { on: TEXT, ...AUTHOR, pattern: /^[0-9]+$/, readableText: true }],
  [10102, { on: TEXT, ...AUTHOR, unique: true }],
  [10103, { on: TEXT, ...AUTHOR }],
  [10104, { on: TEXT, ...AUTHOR }],
])

/** The first tag that clients may use without a definition in `RULES`. */
const FIRST_FREE_TAG = 10_000

/** The tags that query-predefined-aux-items returns, in descending order as in lyskomd. */
export const PREDEFINED_TAGS: readonly number[] = [...RULES.keys()].sort((a, b) => b - a)

/** Maximum size of the data of an aux-item, in bytes. */
const MAX_DATA = 16_384

/** The object that receives aux-items, and the rights of their creator. */
export interface AuxItemOwner {
  /** the kind of object */
  readonly on: Target
  /** The aux-items of an existing object. Default: none, the object is new. */
  readonly existing?: readonly StoredAuxItem[]
  /** The highest number that an aux-item of the object has had. Default 0 */
  readonly highestAuxNo?: number
  /** Whether the creator has written the text or supervises its author. Default true */
  readonly isAuthor?: boolean
  /** Whether the creator is a supervisor of the author. Default true */
  readonly isSupervisor?: boolean
  /** Reports whether the creator may read a text. */
  mayRead(textNo: number): boolean
}

/**
 * Validates new aux-items of an object and returns them as stored.
 *
 * @param inputs the aux-items of the request
 * @param creator person number, 0 for an anonymous text
 * @param at time of creation
 * @throws KomError `illegal-aux-item` or `aux-item-permission` with the index of the invalid item
 */
export function newAuxItems(
  inputs: readonly AuxItemInput[],
  owner: AuxItemOwner,
  creator: number,
  at: Date,
): StoredAuxItem[] {
  const { existing = [], highestAuxNo = 0 } = owner
  return inputs.map((input, i) => {
    const rule = RULES.get(input.tag)
    const isTaken = existing.some((item) => item.tag === input.tag && item.creator === creator)
    const isRepeated = inputs.some(({ tag }, other) => tag === input.tag && other !== i)
    // lyskomd checks in this order.
    const error =
      violation(input, rule, owner) ??
      (rule?.unique && isTaken ? 'aux-item-permission' : undefined) ??
      misfit(input, rule, owner) ??
      (rule?.unique && isRepeated ? 'aux-item-permission' : undefined)
    if (error !== undefined) throw KomError.of(error, i)
    return stored(input, rule, { auxNo: highestAuxNo + i + 1, creator, createdAt: at })
  })
}

type AuxItemError = 'illegal-aux-item' | 'aux-item-permission'

/** Returns the error for a tag that is unknown or that the creator may not use. */
function violation({ tag }: AuxItemInput, rule: Rule | undefined, owner: AuxItemOwner): AuxItemError | undefined {
  if (rule === undefined ? tag < FIRST_FREE_TAG : rule.on.length === 0) return 'illegal-aux-item'
  const { isAuthor = true, isSupervisor = true } = owner
  const allowed = (isAuthor || !rule?.authorOnly) && (isSupervisor || !rule?.supervisorOnly)
  return allowed ? undefined : 'aux-item-permission'
}

/** Returns the error for invalid data, or for an object that cannot have the item. */
function misfit({ data }: AuxItemInput, rule: Rule | undefined, owner: AuxItemOwner): AuxItemError | undefined {
  const text = Buffer.from(data).toString('latin1')
  const valid = (rule?.pattern?.test(text) ?? true) && (!rule?.readableText || owner.mayRead(Number(text)))
  if (data.length > MAX_DATA || !valid) return 'illegal-aux-item'
  if (rule === undefined) return undefined
  const isLate = rule.atCreation && owner.existing !== undefined
  return rule.system || isLate || !rule.on.includes(owner.on) ? 'aux-item-permission' : undefined
}

function stored(
  input: AuxItemInput,
  rule: Rule | undefined,
  fields: Pick<StoredAuxItem, 'auxNo' | 'creator' | 'createdAt'>,
): StoredAuxItem {
  const free = (flag: Flag): boolean =>
    input.flags[flag] && (rule === undefined || (rule.free?.includes(flag) ?? false))
  return {
    ...fields,
    tag: input.tag,
    flags: {
      ...input.flags,
      deleted: false,
      inherit: free('inherit'),
      secret: free('secret'),
      hideCreator: free('hideCreator'),
      dontGarb: free('dontGarb'),
    },
    inheritLimit: rule?.limited ? 1 : input.inheritLimit,
    // A copy outside of Node's buffer pool, which would stay in memory for a few bytes.
    data: new Uint8Array(input.data),
  }
}

/**
 * Returns the aux-items that a new text inherits from the texts that it comments or to which it is a footnote (chapter
 * Aux-Item Inheritance).
 *
 * @param highestAuxNo number of the last aux-item that the new text has already
 * @param createdAt time of creation of the new text
 */
export function inheritedAuxItems(
  from: readonly { readonly auxItems: readonly StoredAuxItem[] }[],
  highestAuxNo: number,
  createdAt: Date,
): StoredAuxItem[] {
  const items = from.flatMap(({ auxItems }) => auxItems)
  const inherited = items.filter(({ flags, inheritLimit }) => flags.inherit && inheritLimit !== 1)
  return inherited.map((item, i) => ({
    ...item,
    auxNo: highestAuxNo + i + 1,
    createdAt,
    inheritLimit: Math.max(0, item.inheritLimit - 1),
  }))
}

/**
 * Selects the aux-items with the given numbers for deletion. As in lyskomd, number 0 stands for none.
 *
 * @param by the person's right to delete items of a creator and of the owner of the object
 * @throws KomError `aux-item-permission` with the index of the first number that may not be deleted
 */
export function auxItemsToDelete(
  items: readonly StoredAuxItem[],
  numbers: readonly number[],
  by: { mayActFor(creator: number): boolean; supervisesOwner: boolean },
): StoredAuxItem[] {
  const found = numbers.map((no, index) => {
    if (no === 0) return undefined
    const item = items.find(({ auxNo }) => auxNo === no)
    const rule = item && RULES.get(item.tag)
    const allowed =
      item !== undefined &&
      !rule?.permanent &&
      (by.mayActFor(item.creator) || (rule?.ownerDelete && by.supervisesOwner))
    if (!allowed) throw KomError.of('aux-item-permission', index)
    return item
  })
  return [...new Set(found.filter((item) => item !== undefined))]
}

/**
 * Returns the aux-items that a session may see. Secret ones are visible only to their creator and the creator's
 * supervisors, and so is a hidden creator.
 */
export function auxItemsFor(db: Database, session: Session, items: readonly StoredAuxItem[]) {
  const isOwn = ({ creator }: StoredAuxItem): boolean =>
    creator === session.person || supervisesPerson(db, session, creator)
  const seen = items.filter((item) => !item.flags.secret || isOwn(item))
  return seen.map((item) => ({
    ...item,
    creator: item.flags.hideCreator && !isOwn(item) ? 0 : item.creator,
    createdAt: session.time(item.createdAt),
  }))
}
