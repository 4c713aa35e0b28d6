import { expect, it } from 'vitest'
import { pastedFiles } from '../../../src/web/reader/compose/pasted-files.ts'

/** Returns the names of the files that a paste with these files and this text adds. */
function namesOf(names: readonly string[], text = ''): string[] {
  const files = names.map((name) => new File(['…'], name)) as unknown as FileList
  return pastedFiles({ files, getData: (format) => (format === 'text/plain' ? text : '') }).map(({ name }) => name)
}

it('adds the files of a paste without text', () => {
  expect(namesOf(['image.png'])).toEqual(['image.png'])
  expect(namesOf([])).toEqual([])
  expect(pastedFiles(null)).toEqual([])
})

it('leaves cells and slides, which are copied with a picture of them, to the browser', () => {
  expect(namesOf(['image.png'], 'Jan\t12\nFeb\t14\n')).toEqual([])
})

it.each(['cat.png', 'ball.png\rcat.png', '/home/anna/cat.png\n'])(
  'adds a file that is copied with the text %j',
  (text) => {
    expect(namesOf(['cat.png'], text)).toEqual(['cat.png'])
  },
)
