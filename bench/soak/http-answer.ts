/** An HTTP response. */
export interface HttpAnswer {
  status: number
  /** names in lower case */
  headers: ReadonlyMap<string, string>
  body: Buffer
}

const HEAD_END = '\r\n\r\n'

/**
 * Parses one response at the start of `bytes`; undefined while it is incomplete. Stricter than clients must be.
 * @throws Error for an invalid response and for one without a length
 */
export function readAnswer(bytes: Buffer, toHead: boolean): { answer: HttpAnswer; length: number } | undefined {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd < 0) {
    if (bytes.length > 64 * 1024) throw new Error('a head without an end')
    return undefined
  }
  const [first = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1] ?? Number.NaN)
  if (Number.isNaN(status)) throw new Error(`no answer of HTTP: ${JSON.stringify(first.slice(0, 80))}`)
  const headers = new Map(lines.map(readHeader))
  const start = headEnd + HEAD_END.length
  if (status < 200) return readAnswer(bytes.subarray(start), toHead)
  const isEmpty = toHead || status === 204 || status === 304
  const length = isEmpty ? 0 : Number(headers.get('content-length') ?? Number.NaN)
  if (headers.get('transfer-encoding') === 'chunked' && !isEmpty) {
    const read = readChunks(bytes, start)
    return read && { answer: { status, headers, body: read.body }, length: read.end }
  }
  if (Number.isNaN(length)) throw new Error(`an answer ${status} without its length`)
  const end = start + length
  return bytes.length < end
    ? undefined
    : { answer: { status, headers, body: Buffer.from(bytes.subarray(start, end)) }, length: end }
}

function readHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

function readChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const chunks: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(length)) throw new Error('a chunk without its length')
    const end = lineEnd + 2 + length + 2
    if (bytes.length < end) return undefined
    if (length === 0) return { body: Buffer.concat(chunks), end }
    chunks.push(bytes.subarray(lineEnd + 2, end - 2))
    at = end
  }
}
