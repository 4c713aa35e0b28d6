import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../contract/backends.ts'
import { chromiumInstalled } from '../support/chromium.ts'
import { onReaderStage } from './reader-stage.ts'

const TEST_MS = 60_000

describe.skipIf(!chromiumInstalled() && !process.env.CI).each(BACKENDS)('the body of a text on $name', ({ start }) => {
  const on = onReaderStage(start)

  it('folds long quotations, keeps columns, and links texts and pages', { timeout: TEST_MS }, async () => {
    await on.readAll()
    const linked = await on.write('Linked\nThe text that is linked.')
    const quotation = Array.from({ length: 8 }, (_, i) => `> Quoted line ${i + 1}`).join('\n')
    const table = ['day     who     what', 'Monday  Anna    bread', 'Tuesday Erik    butter'].join('\n')
    const prose = `See text ${linked} and https://example.org/page.`
    const body = [quotation, prose, '> A short quotation', table].join('\n\n')
    const textNo = await on.write(`Formats\n${body}`)
    await on.asPerson(
      'alice',
      async ({ page }) => {
        const article = page.getByRole('article')
        await article.getByText('Quotation of 8 lines').waitFor()
        expect(await article.getByText('Quoted line 8').isVisible()).toBe(false)
        expect(await article.getByText('A short quotation').isVisible()).toBe(true)
        await article.getByText('Quotation of 8 lines').click()
        await article.getByText('Quoted line 8').waitFor()

        const isMonospace = (text: string): Promise<boolean> =>
          article
            .getByText(text)
            .evaluate((each) => /mono/.test(each.ownerDocument.defaultView?.getComputedStyle(each).fontFamily ?? ''))
        expect([await isMonospace('Tuesday Erik'), await isMonospace('See text')]).toEqual([true, false])

        const link = article.getByRole('link', { name: 'https://example.org/page', exact: true })
        expect([await link.getAttribute('href'), await link.getAttribute('rel')]).toEqual([
          'https://example.org/page',
          expect.stringContaining('noopener'),
        ])
        await article.getByRole('link', { name: `text ${linked}`, exact: true }).click()
        await page.getByRole('heading', { level: 1, name: 'Linked', exact: true }).waitFor()
        expect(new URL(page.url()).hash).toBe(`#/kom/texts/${linked}`)
      },
      { fragment: `#/kom/texts/${textNo}` },
    )
  })
})
