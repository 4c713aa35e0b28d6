import { MAX_INT32 } from '../protocol/codec.ts'

/** The largest number of a conference or a person. */
export const MAX_CONF_NO = 2 ** 16 - 1
/** The largest number of a text. */
export const MAX_TEXT_NO = MAX_INT32
/** The number of texts that lyskomd maps in one call at most. */
export const TEXTS_PER_CALL = 255
/** The largest number of a session. */
export const MAX_SESSION_NO = MAX_INT32
