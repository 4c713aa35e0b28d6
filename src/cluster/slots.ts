import { v4 as uuid } from 'uuid'

/** The number of slots: one for each value of the first three hexadecimal digits of a connection id. */
export const SLOTS = 4096
const DIGITS = 3

/** The first digits of an id or a ticket, which name the slot that it is in, `0a7` for example. */
export type Slot = string & { readonly slot: unique symbol }

/** Returns a slot by its number, 0 to 4,095. */
export function slotOf(no: number): Slot {
  return no.toString(16).padStart(DIGITS, '0') as Slot
}

/** Returns the slot of a connection id or a ticket; undefined if the text can be neither. */
export function slotIn(text: string): Slot | undefined {
  return /^[\da-f]{3}/.test(text) ? (text.slice(0, DIGITS) as Slot) : undefined
}

/** Creates a connection id in a slot: a version 4 UUID with 110 random bits. */
export function idIn(slot: Slot): string {
  return slot + uuid().slice(DIGITS)
}
