import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { ConfigError } from './config-error.ts'

/** A key or a string value of a JSON document, as its source text, quotes included. */
interface JsonString {
  readonly path: readonly string[]
  readonly source: string
  readonly isKey: boolean
}

/** An array or object that encloses the current token. `key` is the key or the index of the current value. */
interface Container {
  key: string | number
  expectsKey: boolean
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/gs

/**
 * Reads a JSON file in UTF-8, with or without a byte order mark.
 * @param file path of the file
 * @returns the parsed value
 * @throws ConfigError if the file cannot be read, is not UTF-8, is not JSON or has a duplicate key; the message names
 *   the file, and the field if there is one
 */
export function readJsonFile(file: string): unknown {
  const bytes = readBytes(file)
  if (!isUtf8(bytes)) throw invalid(file, fieldOutsideUtf8(bytes), 'is not UTF-8')
  const text = new TextDecoder().decode(bytes)
  const value = parse(file, text)
  const duplicate = duplicateKey(text)
  if (duplicate !== undefined) throw invalid(file, duplicate, 'duplicate key')
  return value
}

/**
 * Creates the error for an invalid configuration file.
 * @param path keys of the invalid field, outermost first; empty for the whole file
 * @param reason why it is invalid
 */
export function invalid(file: string, path: readonly string[], reason: string): ConfigError {
  return new ConfigError([file, path.map(printable).join('.'), reason].filter((part) => part !== '').join(': '))
}

/** Escapes the unprintable characters of a key, so that the message is one line that a terminal can display. */
function printable(key: string): string {
  return key.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw invalid(file, [], code === 'ENOENT' ? 'there is no such file' : (message.split('\n')[0] ?? 'cannot be read'))
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(file, [], printable((error as Error).message.split('\n')[0] ?? 'is not JSON'))
  }
}

function duplicateKey(text: string): readonly string[] | undefined {
  const seen = new Set<string>()
  for (const { path, isKey } of strings(text)) {
    if (!isKey) continue
    const place = JSON.stringify(path)
    if (seen.has(place)) return path
    seen.add(place)
  }
  return undefined
}

/** Returns the path of the first string that is not UTF-8, empty if the invalid bytes are in no string. */
function fieldOutsideUtf8(bytes: Buffer): readonly string[] {
  // Latin-1 maps each byte to one character, and the structure of JSON is ASCII.
  const text = bytes.toString('latin1')
  for (const { path, source, isKey } of strings(text)) {
    if (isUtf8(Buffer.from(source, 'latin1'))) continue
    return isKey ? path.slice(0, -1) : path.map((key) => Buffer.from(key, 'latin1').toString())
  }
  return []
}

/** Yields the strings of a JSON document in order. The path of a key ends with the key itself. */
function* strings(text: string): Generator<JsonString> {
  const containers: Container[] = []
  const pathHere = () => containers.map(({ key }) => `${key}`)
  for (const [token] of text.matchAll(TOKEN)) {
    const container = containers.at(-1)
    if (token === '{') containers.push({ key: '', expectsKey: true })
    else if (token === '[') containers.push({ key: 0, expectsKey: false })
    else if (token === '}' || token === ']') containers.pop()
    else if (token === ':' && container !== undefined) container.expectsKey = false
    else if (token === ',' && typeof container?.key === 'number') container.key++
    else if (token === ',' && container !== undefined) container.expectsKey = true
    else if (token.startsWith('"')) {
      const isKey = container?.expectsKey === true
      if (isKey) container.key = unquoted(token)
      yield { path: pathHere(), source: token, isKey }
    }
  }
}

/** Returns the value of a JSON string, or its source if it is invalid. */
function unquoted(source: string): string {
  try {
    return String(JSON.parse(source))
  } catch {
    return source
  }
}
