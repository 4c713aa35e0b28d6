/** The double-byte charsets that iconv-lite decodes differently from Python. */

interface DoubleByte {
  /** iconv-lite's name of the charset */
  iconv: string
  /** returns whether a byte is a single-byte character */
  isSingle: (byte: number) => boolean
  /** ranges of lead bytes, both ends included */
  leads: readonly (readonly [first: number, last: number])[]
  /** lowest trail byte */
  minTrail: number
  /** lead byte of a sequence of three bytes, such as 0x8f in EUC-JP */
  lead3?: number
  /** characters that iconv-lite returns, and those that Python returns instead */
  replace?: ReadonlyMap<string, string>
  /** characters that iconv-lite returns but Python's charset lacks */
  reject?: RegExp
  /** returns whether Python's charset lacks a pair of bytes that iconv-lite decodes */
  lacks?: (pair: number) => boolean
  /** characters that iconv-lite lacks, by byte or pair of bytes */
  additions?: ReadonlyMap<number, string>
}

const isAscii = (byte: number): boolean => byte < 0x80
const isAsciiOrKatakana = (byte: number): boolean => byte < 0x80 || (byte >= 0xa1 && byte <= 0xdf)

/** Characters of JIS X 0208 in Microsoft's mapping, and the same characters in the mapping of the standard. */
export const JIS = new Map(Object.entries({ '～': '〜', '∥': '‖', '－': '−', '￠': '¢', '￡': '£', '￢': '¬' }))
/** Characters of Big5 in Microsoft's mapping, and the same characters in Python's mapping. */
const BIG5 = new Map(
  Object.entries({
    ...{ '‧': '•', '﹑': '､', '¯': '‾', '～': '∼', '⊕': '♁', '⊙': '☉' },
    ...{ '∕': '／', '﹨': '＼', '￥': '¥', '￠': '¢', '￡': '£' },
  }),
)

/** The trail bytes of Big5 and of Shift JIS. */
const BIG5_TRAILS = range(0x40, 0x7e).concat(range(0xa1, 0xfe))
const SJIS_TRAILS = range(0x40, 0x7e).concat(range(0x80, 0xfc))
/** Characters of the ETEN extensions of Big5, from 0xc6a1 to 0xc7fc. */
const ETEN =
  'ヾゝゞ々ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへ' +
  'べぺほぼぽまみむめもゃやゅゆょよらりるれろゎわゐゑをんァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチ' +
  'ヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロヮワヰヱヲンヴヵヶДЕЁЖЗИЙ' +
  'КЛМУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя①②③④⑤⑥⑦⑧⑨⑩⑴' +
  '⑵⑶⑷⑸⑹⑺⑻⑼⑽'
const ETEN_PAIRS = pairsOf([0xc6, 0xc7], BIG5_TRAILS).filter((pair) => pair >= 0xc6a1 && pair <= 0xc7fc)
const BIG5_ADDITIONS = new Map(ETEN_PAIRS.map((pair, i) => [pair, ETEN[i] as string]))
/** Bytes that Python decodes as private-use characters, and the user-defined characters of which iconv-lite lacks some. */
const CP932_ADDITIONS = new Map([
  ...[0xa0, 0xfd, 0xfe, 0xff].map((byte, i) => [byte, String.fromCharCode(0xf8f0 + i)] as const),
  ...pairsOf(range(0xf0, 0xf9), SJIS_TRAILS).map((pair, i) => [pair, String.fromCharCode(0xe000 + i)] as const),
])

/** The charsets by the name of Python's codec. */
export const DOUBLE_BYTE: Readonly<Record<string, DoubleByte>> = {
  shift_jis: {
    iconv: 'shiftjis',
    isSingle: isAsciiOrKatakana,
    leads: [
      [0x81, 0x84],
      [0x88, 0x9f],
      [0xe0, 0xea],
    ],
    minTrail: 0x40,
    replace: JIS,
  },
  euc_jp: {
    iconv: 'eucjp',
    isSingle: isAscii,
    leads: [
      [0x8e, 0x8e],
      [0xa1, 0xa8],
      [0xb0, 0xf4],
    ],
    minTrail: 0xa1,
    lead3: 0x8f,
    replace: JIS,
  },
  cp932: {
    iconv: 'cp932',
    isSingle: (byte) => byte <= 0x80 || (byte >= 0xa0 && byte <= 0xdf) || byte >= 0xfd,
    leads: [
      [0x81, 0x9f],
      [0xe0, 0xfc],
    ],
    minTrail: 0x40,
    additions: CP932_ADDITIONS,
  },
  euc_kr: {
    iconv: 'cp949',
    isSingle: isAscii,
    leads: [[0xa1, 0xfe]],
    minTrail: 0xa1,
    lacks: (pair) => pair === 0xa4d4,
  },
  big5: {
    iconv: 'cp950',
    isSingle: isAscii,
    leads: [[0xa1, 0xf9]],
    minTrail: 0x40,
    replace: BIG5,
    lacks: (pair) => pair > 0xf9d5,
    additions: BIG5_ADDITIONS,
    // Extensions that Microsoft's code page includes.
    reject: /[€碁銹裏墻恒粧嫺╔╦╗╠╬╣╚╩╝╒╤╕╘╧╛╓╥╖╟╫╢╙╨╜║▓]/,
  },
  cp950: {
    iconv: 'cp950',
    isSingle: (byte) => byte <= 0x80,
    leads: [[0x81, 0xfe]],
    minTrail: 0x40,
    additions: BIG5_ADDITIONS,
  },
  gb2312: {
    iconv: 'gbk',
    isSingle: isAscii,
    leads: [[0xa1, 0xf7]],
    minTrail: 0xa1,
    lacks: (pair) => pair >= 0xa6e0 && pair <= 0xa6f5,
    replace: new Map(Object.entries({ '·': '・', '—': '―' })),
    reject: /[\ue000-\uf8ff\u2170-\u2179\u0144\u0148\u01f9\u0251\u0261\u1e3f\u20ac]/,
  },
  gb18030: { iconv: 'gb18030', isSingle: isAscii, leads: [[0x81, 0xfe]], minTrail: 0x30 },
  gbk: {
    iconv: 'gbk',
    isSingle: isAscii,
    leads: [[0x81, 0xfe]],
    minTrail: 0x40,
    lacks: (pair) => pair === 0xa3a0,
    reject: /[\ue000-\uf8ff\u01f9\u1e3f\u20ac\u303e\u2e80-\u2eff\u2ff0-\u2fff\u3400-\u4dbf\u9fb4-\u9fff]/,
  },
}

/** Returns whether bytes consist of single-byte characters and multi-byte sequences in the ranges of a charset. */
export function isDoubleByte(bytes: Uint8Array, { isSingle, leads, minTrail, lead3, lacks }: DoubleByte): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (isSingle(byte)) continue
    if (byte === lead3) at += 2
    else if (!leads.some(([first, last]) => byte >= first && byte <= last)) return false
    else if ((bytes[++at] ?? 0) < minTrail) return false
    else if (lacks?.((byte << 8) | (bytes[at] as number))) return false
  }
  return true
}

/**
 * Decodes bytes with the characters that iconv-lite lacks.
 *
 * @param decode decodes bytes without these characters; returns undefined for invalid bytes
 * @returns undefined for invalid bytes
 */
export function decodeWithAdditions(
  bytes: Buffer,
  { isSingle, additions }: DoubleByte,
  decode: (bytes: Buffer) => string | undefined,
): string | undefined {
  if (additions === undefined) return decode(bytes)
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number
    const length = isSingle(byte) ? 1 : 2
    const addition = additions.get(length === 1 ? byte : (byte << 8) | (bytes[at + 1] ?? 0))
    if (addition !== undefined) {
      const part = decode(bytes.subarray(start, at))
      if (part === undefined) return undefined
      parts.push(part, addition)
      start = at + length
    }
    at += length
  }
  const rest = decode(bytes.subarray(start))
  return rest === undefined ? undefined : parts.join('') + rest
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

function pairsOf(leads: readonly number[], trails: readonly number[]): number[] {
  return leads.flatMap((lead) => trails.map((trail) => (lead << 8) | trail))
}
