import { describe, expect, it } from 'vitest'
import { connectionIdsIn, withoutIds } from '../../src/http/input/ids.ts'

const ID = 'f058ebd6-02f7-4d3f-942e-904344e8cde5'
const DIGITS = ID.replaceAll('-', '')

/** Percent-encodes every character `times` times. */
function encoded(text: string, times: number): string {
  let all = text.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`)
  for (let n = 1; n < times; n++) all = all.replaceAll('%', '%25')
  return all
}

describe('withoutIds', () => {
  it.each([
    ['as it is', ID],
    ['in upper case', ID.toUpperCase()],
    ['without hyphens', DIGITS],
    ['without hyphens in upper case', DIGITS.toUpperCase()],
    ['with hyphens elsewhere', DIGITS.replace(/../g, '$&-').slice(0, -1)],
    ['percent-encoded', encoded(ID, 1)],
    ['percent-encoded twice', encoded(ID, 2)],
    ['percent-encoded in part', `${encoded(ID.slice(0, 13), 1)}${ID.slice(13)}`],
    ['with encoded hyphens', ID.replaceAll('-', '%2D')],
  ])('removes a connection id written %s', (_, id) => {
    expect(withoutIds(`/kom/texts/${id}`)).toBe('/kom/texts/<id>')
    expect(withoutIds(`/kom/texts/{${id}}/body`)).toBe('/kom/texts/{<id>}/body')
    expect(withoutIds(`/urn:uuid:${id}`)).toBe('/urn:uuid:<id>')
    for (const around of ['%ff', 'x', '0', 'deadbeef', '-', '%252f', '=', '%E2%98%83']) {
      const shown = withoutIds(`/kom/${around}${id}${around}/${id}`)
      expect(shown).toMatch(/<id>.*<id>/)
      expect(shown).not.toMatch(/904344|%39%30|2539/i)
    }
  })

  it.each(['/shop/get/Token', '/shop/GET/Token', '/shop/set/To/ken', '/kom/shop/kill/Token?', '/shop/get/\nToken'])(
    'removes a token: %j',
    (path) => {
      const shown = withoutIds(path)
      expect(shown).not.toMatch(/To|ken/)
      expect(shown.endsWith('/<id>')).toBe(true)
    },
  )

  it.each(['/', '/kom/sessions/current/who-am-i', '/admin/sessions/0123456789ab/trace', '/kom/texts/4294967295'])(
    'leaves a path without ids unchanged: %s',
    (path) => {
      expect(withoutIds(path)).toBe(path)
    },
  )

  it('takes little time on any path', () => {
    for (const path of ['a-', '%61', '%2561', 'a', `${'a'.repeat(31)}/`, '%25', `${'a-'.repeat(30)}/`]) {
      const start = performance.now()
      withoutIds(path.repeat(65_536 / path.length))
      expect(performance.now() - start).toBeLessThan(2000)
    }
  })
})

describe('connectionIdsIn', () => {
  it.each([
    ID,
    ID.toUpperCase(),
    DIGITS,
    `Root=1-${ID}`,
    `urn.uuid.${ID}.`,
    ID.replaceAll('-', '_'),
    `abc${DIGITS}def`,
  ])('finds a connection id in %s', (text) => {
    expect([...connectionIdsIn(text)]).toContain(ID)
  })

  it.each(['', 'abc', '0'.repeat(128), DIGITS.slice(1), 'Root=1-67891233-abcdef012345678912345678'])(
    'finds no connection id in %s',
    (text) => {
      expect([...connectionIdsIn(text)]).toEqual([])
    },
  )
})
