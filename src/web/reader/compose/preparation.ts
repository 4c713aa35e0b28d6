import { signal } from '@preact/signals'

/** The images that are being prepared, by the ids of their drafts. */
const running = signal<ReadonlyMap<string, Promise<string>>>(new Map())

/**
 * Returns the preparation of images for a draft, undefined if there is none now. It resolves when all images are added,
 * with the sentences about the files that could not be, or an empty string.
 *
 * @param draftId see `Drafts.idOf`
 */
export function preparation(draftId: string): Promise<string> | undefined {
  return running.value.get(draftId)
}

/**
 * Prepares images for a draft, at the same time as others of the draft.
 *
 * @param prepare adds the images, and resolves with the sentences about the files that could not be added
 */
export async function prepareFor(draftId: string, prepare: () => Promise<string>): Promise<void> {
  const all = Promise.all([running.peek().get(draftId), prepare()]).then((problems) =>
    problems.filter(Boolean).join(' '),
  )
  put(draftId, all)
  await all
  if (running.peek().get(draftId) === all) put(draftId, undefined)
}

function put(draftId: string, all: Promise<string> | undefined): void {
  const next = new Map(running.peek())
  if (all === undefined) next.delete(draftId)
  else next.set(draftId, all)
  running.value = next
}
