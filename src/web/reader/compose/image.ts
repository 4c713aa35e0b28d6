/** The longest text that lyskomd accepts unless its operator has set another limit, in bytes. */
export const MAX_TEXT_BYTES = 131_072
/** What is left for the subject. */
const SUBJECT_BYTES = 1024
/** The largest file that is read, in bytes. */
const MAX_FILE_BYTES = 50_000_000
/** The types that all clients show. Others are converted. */
const PLAIN_TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])
const FIRST_EDGE = 1600
const LAST_EDGE = 160
const QUALITY = 0.75

/** Why a file cannot be sent as an image. */
export class ImageFileError extends Error {
  constructor(readonly reason: 'not-an-image' | 'unreadable' | 'too-large') {
    super(reason)
  }
}

/** An image that a text can hold. */
export interface PreparedImage {
  blob: Blob
  /** whether it is smaller than the file, or of another type */
  isConverted: boolean
}

/**
 * Makes an image that fits into a text. An image that is too large becomes a JPEG with fewer pixels, as does one of a type
 * that few clients show.
 *
 * @throws ImageFileError if the file is not an image
 */
export async function prepareImage(file: File): Promise<PreparedImage> {
  if (!file.type.startsWith('image/')) throw new ImageFileError('not-an-image')
  if (file.size > MAX_FILE_BYTES) throw new ImageFileError('too-large')
  const image = await decoded(file)
  const limit = MAX_TEXT_BYTES - SUBJECT_BYTES
  if (file.size <= limit && PLAIN_TYPES.has(file.type)) return { blob: file, isConverted: false }
  const longest = Math.max(image.naturalWidth, image.naturalHeight)
  let edge = Math.min(longest, FIRST_EDGE)
  while (edge > LAST_EDGE || edge === longest) {
    const canvas = drawn(image, edge / longest)
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY))
    if (blob === null) throw new ImageFileError('unreadable')
    if (blob.size <= limit) return { blob, isConverted: true }
    // The size grows with the number of pixels, and a little slower.
    edge *= 0.95 * Math.sqrt(limit / blob.size)
  }
  throw new ImageFileError('too-large')
}

/** Returns the base64 of a blob. */
export async function base64Of(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer())
  const pieces: string[] = []
  // A function takes a limited number of arguments.
  for (let i = 0; i < bytes.length; i += 8192) pieces.push(String.fromCharCode(...bytes.subarray(i, i + 8192)))
  return btoa(pieces.join(''))
}

/** Returns the bytes of base64. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

async function decoded(file: File): Promise<HTMLImageElement> {
  const image = new Image()
  const url = URL.createObjectURL(file)
  image.src = url
  try {
    await image.decode()
  } catch {
    throw new ImageFileError('unreadable')
  } finally {
    URL.revokeObjectURL(url)
  }
  if (image.naturalWidth === 0 || image.naturalHeight === 0) throw new ImageFileError('unreadable')
  return image
}

function drawn(image: HTMLImageElement, scale: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale))
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale))
  const context = canvas.getContext('2d')
  if (context === null) throw new ImageFileError('unreadable')
  // JPEG has no transparency.
  context.fillStyle = '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(image, 0, 0, canvas.width, canvas.height)
  return canvas
}
