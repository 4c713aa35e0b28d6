import { expect, it } from 'vitest'
import { preparation, prepareFor } from '../../../src/web/reader/compose/preparation.ts'

/** Starts a preparation. Returns what ends it with problems. */
function start(draftId: string): (problems: string) => void {
  let end: (problems: string) => void = () => undefined
  void prepareFor(draftId, () => new Promise((resolve) => (end = resolve)))
  return end
}

it('prepares until all images of the draft are ready, and then reports all problems', async () => {
  const [first, second, third] = [start('a'), start('a'), start('a')]
  const all = preparation('a')
  second('b.txt is not an image.')
  third('')
  await prepareFor('b', async () => '')
  expect(preparation('a')).toBe(all)
  first('a.txt is not an image.')
  expect(await all).toBe('a.txt is not an image. b.txt is not an image.')
  await expect.poll(() => preparation('a')).toBeUndefined()
})

it('keeps the preparations of drafts apart', async () => {
  const end = start('a')
  expect(preparation('b')).toBeUndefined()
  end('')
  await expect.poll(() => preparation('a')).toBeUndefined()
})
