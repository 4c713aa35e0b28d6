import { LimitError, LyskomError, type LyskomErrorName, RequestError, UnavailableError } from 'komgate/client'
import { afterAll, expect, it, vi } from 'vitest'
import type { Recipient } from '../../../src/web/reader/compose/drafts.ts'
import { composeErrors, fileError, sentencesOf } from '../../../src/web/reader/compose/errors.ts'
import { ImageFileError } from '../../../src/web/reader/compose/image.ts'
import { ImageError, UncertainError } from '../../../src/web/reader/compose/send.ts'
import { errorText } from '../../../src/web/reader/error-text.ts'

// The language of the sentences is that of the browser.
vi.hoisted(() => vi.stubGlobal('navigator', { languages: ['en'] }))
afterAll(() => vi.unstubAllGlobals())

const CLUB: Recipient = { type: 'to', conf_no: 10, name: 'Club' }
const refusal = (name: LyskomErrorName, status = 0) => new LyskomError(name, 1, status, { httpStatus: 400 })
const errorsOf = (error: unknown) => composeErrors(error, [CLUB])

it.each([
  ['UndefinedConference', 10, { recipients: 'Club does not exist any more.', confNo: 10 }],
  ['UndefinedConference', 11, { recipients: 'One of the recipients does not exist any more.' }],
  ['AccessDenied', 10, { recipients: 'Club does not accept texts from you.', confNo: 10 }],
  ['PermissionDenied', 0, { recipients: 'One of the recipients does not accept texts from you.' }],
  ['RecipientLimit', 0, { recipients: 'The text has too many recipients for the server.' }],
  ['StringTooLong', 131_072, { body: 'The text is too long: the server accepts 131,072 bytes. Send it in parts.' }],
] as const)('shows %s with the status %i beside its field', (name, status, errors) => {
  expect(errorsOf(refusal(name, status))).toEqual(errors)
})

it('offers another way for a text whose commented text is gone', () => {
  expect(errorsOf(refusal('NoSuchText', 47))).toMatchObject({ isTextGone: true })
})

it('says that a server without space keeps nothing, and that the draft is kept', () => {
  expect(errorsOf(refusal('TemporaryFailure')).form).toContain('cannot store anything at the moment')
})

it('shows a body that the gateway does not accept beside the body', () => {
  const error = new LimitError('The body is larger than 8 MB.', 'body-size', { httpStatus: 413 })
  expect(errorsOf(error)).toEqual({ body: 'The text is too long for the server. Send it in parts.' })
})

it('tells a text that may have been written from one that was not', () => {
  expect(errorsOf(new UncertainError('no answer')).form).toContain('may have been sent')
  expect(errorsOf(new UnavailableError('away', { httpStatus: 502 })).form).toContain('does not answer at the moment')
})

it('shows why an image was not sent beside the image', () => {
  const errors = errorsOf(new ImageError(47, 'i', refusal('StringTooLong', 1000)))
  expect(errors.images).toEqual({ i: 'The image is too large: the server accepts 1,000 bytes.' })
  expect(errors.form).toContain('Your text was sent as text 47')
})

it.each([
  [new RequestError('"name" is missing', { httpStatus: 400 }), 'That is not valid: "name" is missing'],
  [new RequestError('HTTP status 500', { httpStatus: 500 }), 'Something went wrong. Reload the page.'],
  [
    new LimitError('slow down', 'logins-per-address', { httpStatus: 429, retryAfter: 1 }),
    'Too many attempts. Try again in 1 second.',
  ],
  [new LimitError('too long', 'body-size', { httpStatus: 413 }), 'That is too long.'],
  [new LimitError('too long', 'reply-size', { httpStatus: 504 }), 'That is too long.'],
])('says what an error means that is about no field: %s', (error, sentence) => {
  expect(errorText(error)).toBe(sentence)
})

it('joins the sentences of errors in the order of the fields', () => {
  expect(sentencesOf({ form: 'Form.', images: { i: 'Image.' }, recipients: 'To.', confNo: 4 })).toBe('To. Image. Form.')
  expect(sentencesOf({})).toBe('')
})

it.each([
  ['not-an-image', 'notes.txt is not an image.'],
  ['unreadable', 'notes.txt cannot be read as an image.'],
  ['too-large', 'notes.txt is too large, and cannot be reduced.'],
] as const)('names the file that is %s', (reason, message) => {
  expect(fileError(new ImageFileError(reason), 'notes.txt')).toBe(message)
})
