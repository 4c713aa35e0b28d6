import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withCurrentTables } from '../../scripts/settings-docs.ts'

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

describe('docs/configuration.md', () => {
  it('is what `npm run docs` generates from SETTINGS', () => {
    expect(page).toBe(withCurrentTables(page))
  })
})

describe('the generator of docs/configuration.md', () => {
  it('rejects a page that leaves a setting out', () => {
    expect(() => withCurrentTables(page.replace(' port basePath', ' basePath'))).toThrow('port: must be in one table')
  })

  it('rejects a page that has a setting in two tables', () => {
    expect(() => withCurrentTables(page.replace(' port basePath', ' port logLevel basePath'))).toThrow(
      'logLevel: must be in one table',
    )
  })

  it('rejects a page that names an unknown setting', () => {
    expect(() => withCurrentTables(page.replace(' port basePath', ' prot basePath'))).toThrow(
      'there is no setting prot',
    )
  })
})
