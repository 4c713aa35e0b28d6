import { KomError } from '../../protocol/errors.ts'
import { PREDEFINED_TAGS } from '../aux-items.ts'
import { type Handlers, notifySessions } from '../context.ts'
import type { Database } from '../database.ts'
import { COLLATE_TABLE } from '../name-expansion.ts'
import { wheel } from '../permissions.ts'
import { EPOCH } from '../times.ts'

/** The version of lyskomd that the demo server imitates, 2.1.2. */
const VERSION = 20102
const PROTOCOL_VERSION = 11

/** Handlers of the calls about the server: time, version and system information. */
export const server = {
  'get-time': ({ session }) => session.time(new Date()),
  'get-info-old': ({ db }) => info(db),
  'get-info': ({ db }) => ({ ...info(db), auxItemList: [] }),
  'get-version-info': () => ({
    protocolVersion: PROTOCOL_VERSION,
    serverSoftware: 'komgate-demo',
    softwareVersion: '2.1.2',
  }),
  'get-collate-table': () => COLLATE_TABLE,
  'query-predefined-aux-items': () => [...PREDEFINED_TAGS],

  'get-boottime-info': ({ boot, startedAt, session }) => ({
    bootTime: session.time(startedAt),
    saveTime: session.time(EPOCH),
    dbStatus: 'clean',
    existingTexts: boot.texts,
    highestTextNo: boot.highestText,
    existingConfs: boot.confs,
    existingPersons: boot.persons,
    highestConfNo: boot.highestConf,
  }),

  'sync-kom'(context) {
    const { db, session } = context
    session.mustBePerson
    if (!wheel(db, session)) throw KomError.of('permission-denied', 0)
    // One message before and one after the database is saved.
    for (let i = 0; i < 2; i++) notifySessions(context, 'async-sync-db', () => ({}))
  },

  'first-unused-conf-no': ({ db }) => db.highestConf + 1,
  'first-unused-text-no': ({ db }) => db.highestText + 1,
} satisfies Partial<Handlers>

function info({ info: { motd, ...confs } }: Database) {
  return { version: VERSION, ...confs, motdOfLyskom: motd }
}
