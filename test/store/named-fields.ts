import { expect } from 'vitest'
import { type Backend, formatTime, type Key } from '../../src/store/index.ts'
import { recordWith } from './sql-contract.ts'

/** The parameters of a store URL with fields for other programs. */
export const NAMED = 'fields.ip=address&fields.start=began&fields.stop=ends&fields.token=handle'

/**
 * Checks the fields for other programs in a document, as `NAMED` names them.
 * @param read returns the document of a record, as another program reads it
 * @param add adds the field `note` to a document, as another program does; undefined if no program may
 */
export async function expectNamedFields(
  backend: Backend,
  read: (key: Key) => Promise<unknown>,
  add?: (key: Key) => Promise<unknown>,
): Promise<void> {
  const { key, ...record } = recordWith({ ip: '192.0.2.1', idleMs: 60_000 })
  const fields = { address: '192.0.2.1', began: formatTime(record.created), ends: '', handle: key.slice(0, 12) }
  await backend.insert({ key, ...record })
  expect(await read(key)).toMatchObject(fields)
  await add?.(key)
  await backend.update(key, 0, { endsAt: Date.UTC(2037, 0, 1) }, record.lastActive)
  const note = add === undefined ? {} : { note: 'x' }
  expect(await read(key)).toMatchObject({ ...fields, ends: '2037-01-01 00:00:00', ...note })
}
