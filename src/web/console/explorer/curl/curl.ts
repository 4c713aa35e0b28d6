import type { BuiltRequest, Header, Secret } from '../request.ts'
import { encodedBody } from '../request.ts'

/** The shell variables that stand for secrets. */
export const VARIABLES: Readonly<Record<Secret, string>> = {
  connection: 'KOMGATE_CONNECTION',
  'admin-key': 'KOMGATE_ADMIN_KEY',
  'app-key': 'KOMGATE_APP_KEY',
}
/** Fields of JSON that hold passwords. */
const PASSWORD = /^(?:passwd|old_pwd|new_pwd|password)$/
const PLAIN = /^[\w@%+=:,./-]+$/

/** Returns whether a field holds a password. */
export function isPassword(name: string): boolean {
  return PASSWORD.test(name)
}

/** Options of `curlLine`. */
export interface CurlOptions {
  /** the URL of the gateway; it ends with a slash */
  base: string
  /** the secrets to write out; undefined for shell variables. A secret that is missing is a variable too. */
  secrets: Partial<Record<Secret, string>> | undefined
  /** whether the response is a stream */
  isStream: boolean
}

/** Returns a request as a command for a POSIX shell. */
export function curlLine(request: BuiltRequest, { base, secrets, isStream }: CurlOptions): string {
  const { method, url, headers, body } = request
  const words = [isStream ? 'curl -N' : 'curl']
  if (method !== 'GET') words[0] += ` -X ${method}`
  // Brackets of an IPv6 address, for example, would be a pattern.
  if (/[[\]{}]/.test(base + url)) words[0] += ' -g'
  words[0] += ` ${quoted(base + url)}`
  words.push(...headers.map((header) => `-H ${headerWord(header, secrets)}`))
  if (body?.encoding === 'json') words.push(`--data-raw '${jsonWord(body.value, secrets === undefined)}'`)
  else if (body?.encoding === 'file')
    words.push(`--data-binary @${quoted((body.value as Partial<File>).name ?? 'file')}`)
  else if (body !== undefined) words.push(`--data-raw ${quoted(String(encodedBody(request)))}`)
  return words.join(' \\\n  ')
}

/** Returns the shell variables that a command uses. */
export function variablesOf(command: string): string[] {
  return [...new Set([...command.matchAll(/\$(KOMGATE_\w+)/g)].map(([, name]) => name as string))]
}

/** Returns a string as one word of a POSIX shell. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? text : `'${insideQuotes(text)}'`
}

function insideQuotes(text: string): string {
  return text.replaceAll("'", `'\\''`)
}

function headerWord(header: Header, secrets: CurlOptions['secrets']): string {
  if (!('secret' in header)) return quoted(`${header.name}: ${header.value}`)
  const { name, prefix, secret } = header
  const value = secrets?.[secret]
  return value === undefined ? `"${name}: ${prefix}$${VARIABLES[secret]}"` : quoted(`${name}: ${prefix}${value}`)
}

/** Returns JSON for the inside of single quotes, with variables for passwords. */
function jsonWord(value: unknown, areHidden: boolean): string {
  if (Array.isArray(value)) return `[${value.map((each) => jsonWord(each, areHidden)).join(',')}]`
  if (typeof value !== 'object' || value === null) return insideQuotes(JSON.stringify(value))
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => {
      const isHidden = areHidden && isPassword(name) && typeof member === 'string' && member !== ''
      const word = isHidden ? `"'"$KOMGATE_${name.toUpperCase()}"'"` : jsonWord(member, areHidden)
      return `${insideQuotes(JSON.stringify(name))}:${word}`
    })
  return `{${members.join(',')}}`
}
