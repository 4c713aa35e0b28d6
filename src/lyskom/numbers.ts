/** The largest numbers of things: conferences and persons have 16 bits, sessions and texts 32. */
export const MAX_CONF_NO = 2 ** 16 - 1
export const MAX_TEXT_NO = 2 ** 32 - 1
/** lyskomd maps at most so many texts in one call. */
export const TEXTS_PER_CALL = 255
export const MAX_SESSION_NO = 2 ** 32 - 1
