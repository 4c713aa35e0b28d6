import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LIMIT_OF, STATUS } from '../../src/http/errors/status.ts'
import { LIMITS } from '../../src/sessions/limit-error.ts'

const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

it('docs/api.md lists every error code with its status', () => {
  const documented = Array.from(page('api.md').matchAll(/^\| (\d{3}) \| (`[a-z-]+`(?:, `[a-z-]+`)*) \|$/gm)).flatMap(
    ([, status, codes = '']) => codes.split(', ').map((code) => [code.slice(1, -1), Number(status)]),
  )
  expect(Object.fromEntries(documented)).toEqual(STATUS)
  expect(documented.length).toBe(Object.keys(STATUS).length)
})

it('docs/api.md explains every status of the error codes', () => {
  const explained = Array.from(page('api.md').matchAll(/^\| (\d{3}) \| .* \| .*\|$/gm), ([, status]) => Number(status))
  expect(new Set(explained)).toEqual(new Set(Object.values(STATUS)))
})

describe('docs/limits.md', () => {
  const documented = new Map(
    Array.from(page('limits.md').matchAll(/^\| `([a-z-]+)` \| (\d{3})? ?\| /gm), ([, limit = '', status]) => [
      limit,
      status === undefined ? undefined : Number(status),
    ]),
  )

  it('lists every limit', () => {
    expect(new Set(documented.keys())).toEqual(new Set(LIMITS))
  })

  it('has the status of the error codes of each limit', () => {
    const codes = Object.entries(STATUS).map(([code, status]) => [
      LIMIT_OF[code as keyof typeof STATUS] ?? code,
      status,
    ])
    const statuses = codes.filter(([limit]) => documented.has(String(limit)))
    expect(statuses.length).toBeGreaterThan(LIMITS.length / 2)
    for (const [limit, status] of statuses) expect([limit, documented.get(String(limit))]).toEqual([limit, status])
  })
})
