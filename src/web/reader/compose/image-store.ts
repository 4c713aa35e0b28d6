import { readStored, writeStored } from '../../shared/stored.ts'

/** The bytes of images of drafts in base64, by the ids of the images. */
const held = new Map<string, string>()

const keyOf = (id: string): string => `komgate.image.${id}`

/** Keeps the bytes of an image. Returns whether the browser keeps them when the page is closed. */
export function keepImage(id: string, base64: string): boolean {
  held.set(id, base64)
  return writeStored('localStorage', keyOf(id), base64)
}

/** Returns the bytes of an image in base64, undefined if they have been lost with the page. */
export function imageData(id: string): string | undefined {
  const data = held.get(id) ?? readStored<string>('localStorage', keyOf(id))
  if (data !== undefined) held.set(id, data)
  return data
}

/** Removes an image. */
export function forgetImage(id: string): void {
  held.delete(id)
  writeStored('localStorage', keyOf(id), undefined)
}
