import { expect } from 'vitest'

/**
 * The body of the response to an error of the LysKOM server.
 *
 * @param msg name of the error in httpkom
 */
export const protocolError = (code: number, msg: string, status: number | string) => ({
  error_type: 'protocol-a',
  error_code: code,
  error_msg: msg,
  error_status: String(status),
})

/** The body of the response to an error of the gateway. */
export const gatewayError = (msg: string | RegExp) => ({
  error_type: 'httpkom',
  error_msg: typeof msg === 'string' ? msg : expect.stringMatching(msg),
})

// The bodies of the responses to common errors of the LysKOM server.

export const noSuchText = (no: number) => protocolError(14, 'NoSuchText', no)
export const undefinedConference = (no: number) => protocolError(9, 'UndefinedConference', no)
export const undefinedPerson = (no: number) => protocolError(10, 'UndefinedPerson', no)
export const permissionDenied = (no: number) => protocolError(12, 'PermissionDenied', no)
export const notMember = (no: number) => protocolError(13, 'NotMember', no)
export const textZero = protocolError(15, 'TextZero', 0)
export const conferenceZero = protocolError(8, 'ConferenceZero', 0)

/** A number that no text, conference, person or session has in a test. */
export const NOWHERE = 4711

/** Matches a time in ISO 8601. */
export const TIME = expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)

/**
 * The type of a conference in JSON.
 *
 * @param bits the flags in the order of the specification, e.g. `1000`
 */
export const conferenceType = (bits: string) => {
  const [rd_prot, original, secret, letterbox, allow_anonymous, forbid_secret] = [...bits].map(Number)
  return { rd_prot, original, secret, letterbox, allow_anonymous, forbid_secret, reserved2: 0, reserved3: 0 }
}

const wholeNumber = (field: string, max: number) => `"${field}" must be a whole number from 0 to ${max}.`

/** Values that are not whole numbers from 0 to `max`, each with the message of the 400 response that names `field`. */
export const notWhole = (field: string, max: number): [value: unknown, message: string][] => [
  ...[
    -1,
    '-1',
    1.5,
    '1.5',
    max + 1,
    String(max + 1),
    2 ** 64,
    '1'.repeat(30),
    1e300,
    'x',
    '',
    ' 1',
    '0x1',
    true,
    [1],
    {},
  ].map((value): [unknown, string] => [value, wholeNumber(field, max)]),
  [null, `"${field}" is null.`],
  [undefined, `Missing "${field}".`],
]
