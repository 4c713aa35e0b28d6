import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { pino } from 'pino'
import pretty from 'pino-pretty'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { escapeLine, escapeLineForTerminal } from '../../src/ops/log-lines.ts'
import { build, MAIN } from '../support/built-command.ts'

const SCRIPT = '/usr/bin/script'
const READY = /komgate listening on (http:\/\/127\.0\.0\.1:\d+)/
/** Characters that change how a terminal displays a text. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const C0 = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).join('')
const C1 = Array.from({ length: 0x21 }, (_, code) => String.fromCharCode(0x7f + code)).join('')
const BIDI = '\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069'
const HOSTILE = `a${C0}${C1}${BIDI}\u2028\u2029\ufeff\u00ad\u200b\u{e0001}\u{1d173}\\u001b\\z`

/** Logs the hostile text in every kind of field. */
function logHostile(log: pino.Logger): void {
  log.info({ path: HOSTILE, list: [HOSTILE], nested: { text: HOSTILE }, [HOSTILE]: 1 }, 'request')
  log.info(HOSTILE)
  log.error({ err: new Error(HOSTILE, { cause: new TypeError(HOSTILE) }) }, 'internal error')
}

describe('a log line', () => {
  it('contains no control or format characters as JSON, and keeps its values', () => {
    const lines: string[] = []
    const hooks = { streamWrite: escapeLine }
    logHostile(pino({ base: null, hooks }, { write: (line) => void lines.push(line) }))
    expect(lines).toHaveLength(3)
    for (const line of lines) {
      expect(line.endsWith('\n')).toBe(true)
      expect(line.slice(0, -1)).not.toMatch(UNPRINTABLE)
    }
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ path: HOSTILE, list: [HOSTILE], [HOSTILE]: 1 })
    expect(JSON.parse(lines[1] ?? '').msg).toBe(HOSTILE)
  })

  it('contains no control or format characters in a terminal, and shows their escapes in every field', () => {
    const destination = new PassThrough({ encoding: 'utf8' })
    const hooks = { streamWrite: escapeLineForTerminal }
    logHostile(pino({ base: null, hooks }, pretty({ sync: true, colorize: false, destination })))
    const shown = String(destination.read())
    // pino-pretty formats its output with line feeds and tabs.
    expect(shown.replaceAll(/[\n\t]/g, '')).not.toMatch(UNPRINTABLE)
    expect(shown).toContain('path: "a\\u0000')
    for (const text of ['\\u001b', '\\u009b', '\\u007f', '\\u202e', '\\u2066', '\\u2028', '\\udb40\\udc01']) {
      expect(shown).toContain(text)
    }
  })

  it.each([escapeLine, escapeLineForTerminal])('stays unchanged if every character is printable', (escaped) => {
    const line = `${JSON.stringify({ path: '/kom/åäö/😀/漢字/\\u009b', n: 1 })}\n`
    expect(escaped(line)).toBe(line)
  })
})

describe.skipIf(!existsSync(SCRIPT) && !process.env.CI)('the log of the command in a terminal', () => {
  const running: (() => void)[] = []
  beforeAll(build, 60_000)
  afterEach(() => {
    for (const kill of running.splice(0)) kill()
  })

  it('contains no control or format characters of a request path', async () => {
    const command = `'${process.execPath}' '${MAIN}' --port 0`
    const child = spawn(SCRIPT, ['-qfec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] })
    running.push(() => child.kill())
    let shown = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      shown += chunk
    })
    await expect.poll(() => shown, { timeout: 15_000 }).toMatch(READY)
    const url = READY.exec(shown)?.[1]
    for (const path of [
      '%C2%9B31m',
      '%C2%85',
      '%E2%80%AE%E2%81%A6txt',
      '%1B%5B31m',
      '%0D%0Afake',
      '%7F',
      '%F3%A0%80%81',
    ]) {
      await fetch(`${url}/start-${path}-end`)
    }
    await expect.poll(() => shown.match(/start-.*-end/g)).toHaveLength(7)
    for (const path of shown.match(/start-.*-end/g) ?? []) expect(path).not.toMatch(UNPRINTABLE)
    expect(stripVTControlCharacters(shown).replaceAll(/\r?\n/g, '')).not.toMatch(UNPRINTABLE)
  }, 30_000)
})
