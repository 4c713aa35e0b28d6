import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryBackend } from '../../src/store/backends/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import { keyOf } from '../../src/store/record.ts'
import { SessionStore } from '../../src/store/store.ts'
import { all } from '../support/all.ts'

const OLD = keyOf('old')
const NEW = keyOf('new')

/** A backend in which one method fails, before or after it has taken effect. */
class Failing extends MemoryBackend {
  fails: 'insert' | 'remove' | undefined
  /** called before a record is removed */
  beforeRemove: () => Promise<unknown> = async () => undefined
  replyIsLost = false

  override async insert(...args: Parameters<MemoryBackend['insert']>) {
    await this.#maybeFail('insert', () => super.insert(...args))
  }

  override async remove(...args: Parameters<MemoryBackend['remove']>) {
    await this.beforeRemove()
    return await this.#maybeFail('remove', () => super.remove(...args))
  }

  async #maybeFail<T>(method: 'insert' | 'remove', work: () => Promise<T>): Promise<T> {
    if (this.fails !== method) return await work()
    if (this.replyIsLost) await work()
    throw new StoreError('unavailable', 'the store is unavailable')
  }
}

let backend: Failing
let store: SessionStore
beforeEach(async () => {
  backend = new Failing({ maxRecords: 10, maxBytes: 10_000 })
  store = new SessionStore(backend)
  await store.create({ key: OLD, app: 'a', user: 'u', data: { basket: 1 } })
})

const keys = async () => (await all(store.listUser('a', 'u'))).map(({ key }) => key)

describe('SessionStore.changeKey', () => {
  it.each<['insert' | 'remove', boolean]>([
    ['insert', false],
    ['insert', true],
    ['remove', false],
  ])('keeps the session under its old key when %s fails (reply lost: %s)', async (method, replyIsLost) => {
    Object.assign(backend, { fails: method, replyIsLost })
    await expect(store.changeKey('a', OLD, NEW)).rejects.toMatchObject({ code: 'unavailable' })
    backend.fails = undefined
    expect((await store.find('a', OLD))?.data).toEqual({ basket: 1 })
    expect(await keys()).toEqual([OLD])
    expect((await store.changeKey('a', OLD, NEW))?.data).toEqual({ basket: 1 })
    expect(await keys()).toEqual([NEW])
  })

  it('leaves no session under the new key when the reply to the removal is lost', async () => {
    Object.assign(backend, { fails: 'remove', replyIsLost: true })
    await expect(store.changeKey('a', OLD, NEW)).rejects.toMatchObject({ code: 'unavailable' })
    backend.fails = undefined
    expect(await keys()).toEqual([])
  })

  it('keeps concurrent writes of another process', async () => {
    const other = new SessionStore(backend)
    backend.beforeRemove = async () => {
      backend.beforeRemove = async () => undefined
      await other.merge('a', OLD, { later: 2 })
    }
    const moved = await store.changeKey('a', OLD, NEW)
    expect(moved?.data).toEqual({ basket: 1, later: 2 })
    expect(await store.find('a', NEW)).toEqual(moved)
  })

  it('does not restore a session that another process ends at the same time', async () => {
    const other = new SessionStore(backend)
    backend.beforeRemove = async () => {
      backend.beforeRemove = async () => undefined
      await other.end('a', OLD)
    }
    expect(await store.changeKey('a', OLD, NEW)).toBeUndefined()
    expect(await keys()).toEqual([])
  })
})
