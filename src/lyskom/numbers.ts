import { MAX_INT32 } from '../protocol/codec.ts'

/** The largest number of a conference or person (INT16). */
export const MAX_CONF_NO = 2 ** 16 - 1
/** The largest number of a text (INT32). */
export const MAX_TEXT_NO = MAX_INT32
/** The largest number of texts that lyskomd maps in one call. */
export const TEXTS_PER_CALL = 255
/** The largest number of a session (INT32). */
export const MAX_SESSION_NO = MAX_INT32
