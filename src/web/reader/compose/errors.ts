import { LimitError, LyskomError } from 'komgate/client'
import { errorText } from '../error-text.ts'
import type { Recipient } from './drafts.ts'
import { ImageFileError } from './image.ts'
import { ImageError, UncertainError } from './send.ts'
import { t } from './strings.ts'

/** Sentences about what is wrong with a draft, by the field that they are about; those of `form` are about no field. */
export interface ComposeErrors {
  subject?: string
  body?: string
  recipients?: string
  /** the recipient that `recipients` is about */
  confNo?: number
  /** by the ids of images */
  images?: Readonly<Record<string, string>>
  /** about the images together, or files that are none */
  files?: string
  form?: string
  /** whether the text that is answered is gone */
  isTextGone?: boolean
}

/** Returns the sentences of errors in the order of the fields. */
export function sentencesOf({ recipients, subject, body, images, files, form }: ComposeErrors): string {
  return [recipients, subject, body, ...Object.values(images ?? {}), files, form].filter(Boolean).join(' ')
}

const NO_SPACE = new Set(['TemporaryFailure', 'OutOfMemory'])
const NOT_PERMITTED = new Set(['AccessDenied', 'PermissionDenied', 'AnonymousRejected'])

/** Returns what an error in sending a text means, beside the field that it is about. */
export function composeErrors(error: unknown, recipients: readonly Recipient[]): ComposeErrors {
  const strings = t.value
  if (error instanceof UncertainError) return { form: strings.mayBeSent }
  if (error instanceof ImageError) {
    return { images: { [error.imageId]: imageError(error.cause) }, form: strings.imagesLeft(error.textNo) }
  }
  if (error instanceof LimitError && error.limit === 'body-size') return { body: strings.tooLong }
  if (!(error instanceof LyskomError)) return { form: errorText(error) }
  const { name, status } = error
  const recipient = recipients.find(({ conf_no }) => conf_no === status)
  if (name === 'UndefinedConference') {
    return recipient === undefined
      ? { recipients: strings.recipientIsGone }
      : { recipients: strings.isGone(recipient.name), confNo: recipient.conf_no }
  }
  if (NOT_PERMITTED.has(name)) {
    return recipient === undefined
      ? { recipients: strings.recipientRefuses }
      : { recipients: strings.refuses(recipient.name), confNo: recipient.conf_no }
  }
  switch (name) {
    case 'StringTooLong':
      return { body: strings.tooLongFor(status) }
    case 'RecipientLimit':
    case 'LongArray':
      return { recipients: strings.tooManyRecipients }
    case 'NoSuchText':
    case 'TextZero':
      return { form: strings.answeredIsGone, isTextGone: true }
    case 'NotAuthor':
      return { form: strings.notAuthor }
    case 'CommentLimit':
    case 'FootnoteLimit':
      return { form: strings.tooManyComments }
    default:
      return { form: NO_SPACE.has(name) ? strings.noSpace : errorText(error) }
  }
}

/** Returns why a file was not added as an image. */
export function fileError(error: unknown, name: string): string {
  const strings = t.value
  if (!(error instanceof ImageFileError)) return errorText(error)
  if (error.reason === 'too-large') return strings.fileTooLarge(name)
  return error.reason === 'unreadable' ? strings.imageUnreadable(name) : strings.notAnImage(name)
}

function imageError(cause: unknown): string {
  const strings = t.value
  if (!(cause instanceof LyskomError)) return errorText(cause)
  if (cause.name === 'StringTooLong') return strings.imageTooLong(cause.status)
  return NO_SPACE.has(cause.name) ? strings.noSpace : errorText(cause)
}
