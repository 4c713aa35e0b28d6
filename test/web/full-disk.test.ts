import { afterAll, describe, expect, it } from 'vitest'
import { chromiumInstalled } from '../support/chromium.ts'
import { lyskomdInstalled, startLyskomd } from '../support/lyskomd.ts'
import { canMount, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 90_000
const DISK_MB = 8
const IS_INSTALLED = lyskomdInstalled() && chromiumInstalled()

// Where a process may not mount file systems, `compose.test.ts` has the same refusal without the disk.
describe.runIf(IS_INSTALLED && canMount())('the reader on lyskomd with a full disk', () => {
  let disk: SmallDisk | undefined
  // Registered first, so that it runs after the LysKOM server has ended.
  afterAll(() => disk?.remove())
  const on = onReaderStage(() => {
    disk = mountSmallDisk(DISK_MB)
    return startLyskomd({ parent: disk.path })
  })

  it('says that the server cannot store the text, keeps it, and sends it when there is room', {
    timeout: TEST_MS,
  }, async () => {
    await on.readAll()
    await on.write('Question\nWhich day?')
    await on.asPerson('alice', async ({ page }) => {
      await page.getByRole('heading', { level: 1, name: 'Question' }).waitFor()
      await page.getByRole('button', { name: 'Comment' }).click()
      const comment = page.getByLabel('Your comment')
      await comment.fill('On Friday.')
      disk?.fill()
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await page.getByText('cannot store anything at the moment').waitFor()
      expect(await comment.inputValue()).toBe('On Friday.')
      disk?.free()
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await page.getByText(/Your comment was sent as text \d+/).waitFor()
      await page.getByRole('link', { name: `Comment by ${on.stage.cast.alice.name}` }).click()
      await page.getByText('On Friday.').waitFor()
    })
  })
})
