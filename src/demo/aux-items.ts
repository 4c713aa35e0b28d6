import { KomError } from '../protocol/errors.ts'
import type { AuxItemInput } from '../protocol/types.ts'
import type { StoredAuxItem } from './model.ts'

type Target = 'text' | 'conf' | 'letterbox'

/** Definition of a predefined aux-item in lyskomd's aux-items.conf, as far as it applies to new objects. */
interface Rule {
  /** The kinds of objects that may have the item. */
  on: readonly Target[]
  /** An object may have only one item with this tag. */
  unique?: true
  /** The flags that a client may set; all others are cleared. */
  free?: readonly ('inherit' | 'secret' | 'hideCreator' | 'dontGarb')[]
  /** The inherit-limit is always 1; the value in the request is ignored. */
  limited?: true
  /** The form of the data. */
  pattern?: RegExp
  /** Only the server creates items with this tag. */
  system?: true
}

const TEXT: readonly Target[] = ['text']
const CONFERENCES: readonly Target[] = ['conf', 'letterbox']

/** Definitions by tag. */
const RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [1, { on: TEXT, unique: true, limited: true, pattern: /^[^/]*\/[^/]*(;.*)?$/ }],
  [2, { on: TEXT, limited: true }],
  [
    3,
    {
      on: ['text', 'conf', 'letterbox'],
      free: ['secret', 'hideCreator'],
      limited: true,
      pattern: /^[CTP][0-9]+( .*)?$/,
    },
  ],
  [4, { on: TEXT, unique: true, limited: true, pattern: /^$/ }],
  [5, { on: TEXT, unique: true, limited: true, pattern: /^$/ }],
  [6, { on: TEXT, unique: true, limited: true, pattern: /^$/ }],
  [7, { on: TEXT, limited: true, pattern: /^$/ }],
  [8, { on: CONFERENCES, limited: true, pattern: /^(LysKOM|E-mail):/ }],
  [9, { on: CONFERENCES, limited: true }],
  [10, { on: ['text', 'conf', 'letterbox'], free: ['secret', 'hideCreator'] }],
  [11, { on: TEXT, free: ['secret'], limited: true }],
  [12, { on: ['letterbox'], free: ['secret'], limited: true }],
  [13, { on: CONFERENCES, free: ['secret'], limited: true }],
  [14, { on: CONFERENCES, free: ['dontGarb'], limited: true, pattern: /^[1-9][0-9]*$/ }],
  [15, { on: TEXT, unique: true, free: ['secret'] }],
  [16, { on: TEXT, unique: true }],
  [17, { on: TEXT }],
  [18, { on: TEXT }],
  [19, { on: TEXT }],
  [20, { on: TEXT }],
  [21, { on: TEXT, unique: true, pattern: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( [-+]\d{4})?$/ }],
  [22, { on: TEXT, unique: true }],
  [23, { on: TEXT }],
  [24, { on: TEXT, unique: true }],
  [25, { on: [] }],
  [26, { on: [] }],
  [27, { on: ['letterbox'], free: ['secret'], pattern: /^[0-9]+$/ }],
  [28, { on: TEXT, system: true }],
  [29, { on: [] }],
  [30, { on: CONFERENCES, pattern: /^[0-9]+ [^/ ]*\/[^/ ]*$/ }],
  [31, { on: [] }],
  [32, { on: ['conf'], unique: true, pattern: /^[^@]+@[^@]+$/ }],
  [33, { on: ['letterbox'], unique: true, free: ['inherit', 'dontGarb'], pattern: /^(0|[1-9][0-9]*)( (0|1|15))?$/ }],
  [34, { on: TEXT, unique: true, limited: true, pattern: /^$/ }],
  [35, { on: CONFERENCES, pattern: /^(all|spam|html)$/ }],
  [10100, { on: TEXT, pattern: /^[0-9]+$/ }],
  [10101, { on: TEXT, pattern: /^[0-9]+$/ }],
  [10102, { on: TEXT, unique: true }],
  [10103, { on: TEXT }],
  [10104, { on: TEXT }],
])

/** The first tag that clients may use without a definition in `RULES`. */
const FIRST_FREE_TAG = 10_000

/** The tags that query-predefined-aux-items returns, in descending order as in lyskomd. */
export const PREDEFINED_TAGS: readonly number[] = [...RULES.keys()].sort((a, b) => b - a)

/** Maximum size of the data of an aux-item, in bytes. */
const MAX_DATA = 16_384

/**
 * Validates the aux-items of a new object and returns them as stored.
 *
 * @param inputs the aux-items of the request
 * @param on the kind of object
 * @param creator person number, 0 for an anonymous text
 * @param at time of creation
 * @throws KomError `illegal-aux-item` or `aux-item-permission` with the index of the invalid item
 */
export function newAuxItems(inputs: readonly AuxItemInput[], on: Target, creator: number, at: Date): StoredAuxItem[] {
  const items = inputs.map((input, i) => newItem(input, i, on, creator, at))
  const seen = new Set<number>()
  for (const { tag } of items) {
    // lyskomd returns this error, always with index 0.
    if (seen.has(tag) && RULES.get(tag)?.unique) throw KomError.of('aux-item-permission', 0)
    seen.add(tag)
  }
  return items
}

function newItem(input: AuxItemInput, index: number, on: Target, creator: number, createdAt: Date): StoredAuxItem {
  const { tag } = input
  const rule = RULES.get(tag)
  // A copy outside of Node's buffer pool, which would stay in memory for a few bytes.
  const data = new Uint8Array(input.data)
  const legal = rule
    ? rule.on.includes(on) && (rule.pattern?.test(Buffer.from(data).toString('latin1')) ?? true)
    : tag >= FIRST_FREE_TAG
  if (!legal || data.length > MAX_DATA) throw KomError.of('illegal-aux-item', index)
  if (rule?.system) throw KomError.of('aux-item-permission', index)
  const free = (flag: 'inherit' | 'secret' | 'hideCreator' | 'dontGarb'): boolean =>
    input.flags[flag] && (rule === undefined || (rule.free?.includes(flag) ?? false))
  return {
    auxNo: index + 1,
    tag,
    creator,
    createdAt,
    flags: {
      ...input.flags,
      deleted: false,
      inherit: free('inherit'),
      secret: free('secret'),
      hideCreator: free('hideCreator'),
      dontGarb: free('dontGarb'),
    },
    inheritLimit: rule?.limited ? 1 : input.inheritLimit,
    data,
  }
}
