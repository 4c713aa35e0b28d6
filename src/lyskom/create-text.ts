import { AUX_ITEMS } from '../protocol/aux-items.ts'
import { noBits } from '../protocol/codec.ts'
import { type AuxItemInput, auxItemFlags, type MiscInfo } from '../protocol/types.ts'
import type { LinkType, RecipientType } from './misc-info.ts'
import type { LyskomSession } from './session.ts'

/** A text to be created. */
export interface Draft {
  /** subject, line feed and body, encoded */
  text: Uint8Array
  /** content type with its charset, for the aux-item content-type */
  contentType: string
  recipients: { type: RecipientType; confNo: number }[]
  commentTo: { type: LinkType; textNo: number }[]
  /** name and version of the client program, for the aux-item creating-software */
  software: string
}

const RECIPIENT = { to: 'recpt', cc: 'cc-recpt', bcc: 'bcc-recpt' } as const
const LINK_TO = { comment: 'comm-to', footnote: 'footn-to' } as const
const NO_FLAGS = noBits(auxItemFlags)

/** Creates a text, and resolves with its number. One round trip. */
export function createText(session: LyskomSession, draft: Draft): Promise<number> {
  const item = (tag: number, data: string): AuxItemInput => ({
    tag,
    flags: NO_FLAGS,
    inheritLimit: 0,
    data: Buffer.from(data, 'latin1'),
  })
  const miscInfo: MiscInfo[] = [
    ...draft.commentTo.map(({ type, textNo }) => ({ kind: LINK_TO[type], value: textNo })),
    ...draft.recipients.map(({ type, confNo }) => ({ kind: RECIPIENT[type], value: confNo })),
  ]
  return session.connection.call('create-text', {
    text: draft.text,
    miscInfo,
    auxItems: [
      item(AUX_ITEMS['content-type'], draft.contentType),
      item(AUX_ITEMS['creating-software'], draft.software),
    ],
  })
}
