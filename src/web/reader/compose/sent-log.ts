/**
 * What the windows of the browser have sent, by the ids of drafts. It is in IndexedDB: a window reads there what another
 * one has written, whereas `localStorage` may still return what was stored before.
 */

/** A text that has been sent. */
export interface SentText {
  subject: string
  body: string
  textNo: number
}

const DATABASE = 'komgate.sent'
const STORE = 'texts'
/** The most texts in the log. Only those matter that another window may still show as unfinished. */
const MAX_TEXTS = 100

/** Returns the text that the draft has become, undefined if it has not been sent, or if the browser has no IndexedDB. */
export async function sentText(draftId: string | undefined): Promise<SentText | undefined> {
  if (draftId === undefined) return undefined
  return await inStore('readonly', (store) => store.get(draftId) as IDBRequest<SentText | undefined>)
}

/** Notes that a draft has been sent. */
export async function noteSent(draftId: string | undefined, text: SentText): Promise<void> {
  if (draftId === undefined) return
  const count = await inStore('readonly', (store) => store.count())
  if ((count ?? 0) >= MAX_TEXTS) await inStore('readwrite', (store) => store.clear())
  await inStore('readwrite', (store) => store.put(text, draftId))
}

/** Makes a request of IndexedDB. Resolves when its transaction is complete, with undefined if that is not possible. */
async function inStore<T>(mode: IDBTransactionMode, request: (store: IDBObjectStore) => IDBRequest<T>) {
  if (globalThis.indexedDB === undefined) return undefined
  return await new Promise<T | undefined>((resolve) => {
    const opening = openDatabase()
    if (opening === undefined) return resolve(undefined)
    opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE)
    opening.onerror = () => resolve(undefined)
    opening.onsuccess = () => {
      const database = opening.result
      const end = (result: T | undefined): void => {
        database.close()
        resolve(result)
      }
      try {
        const transaction = database.transaction(STORE, mode)
        const made = request(transaction.objectStore(STORE))
        transaction.oncomplete = () => end(made.result)
        transaction.onabort = () => end(undefined)
      } catch {
        end(undefined)
      }
    }
  })
}

/** Returns undefined if the browser does not allow it, in some private modes for example. */
function openDatabase(): IDBOpenDBRequest | undefined {
  try {
    return indexedDB.open(DATABASE, 1)
  } catch {
    return undefined
  }
}
