/** The double-byte charsets of Python for which iconv-lite has only a superset. */

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
  euc_kr: { iconv: 'cp949', isSingle: isAscii, leads: [[0xa1, 0xfe]], minTrail: 0xa1 },
  big5: {
    iconv: 'cp950',
    isSingle: isAscii,
    leads: [[0xa1, 0xf9]],
    minTrail: 0x40,
    replace: BIG5,
    // Extensions that Microsoft's code page includes.
    reject: /[€碁銹裏墻恒粧嫺╔╦╗╠╬╣╚╩╝╒╤╕╘╧╛╓╥╖╟╫╢╙╨╜║▓]/,
  },
  gb2312: {
    iconv: 'gbk',
    isSingle: isAscii,
    leads: [[0xa1, 0xf7]],
    minTrail: 0xa1,
    replace: new Map(Object.entries({ '·': '・', '—': '―' })),
    reject: /[\ue000-\uf8ff\u2170-\u2179\u0144\u0148\u01f9\u0251\u0261\u1e3f\u20ac]/,
  },
  gb18030: { iconv: 'gb18030', isSingle: isAscii, leads: [[0x81, 0xfe]], minTrail: 0x30 },
  gbk: {
    iconv: 'gbk',
    isSingle: isAscii,
    leads: [[0x81, 0xfe]],
    minTrail: 0x40,
    reject: /[\ue000-\uf8ff\u01f9\u1e3f\u20ac\u303e\u2e80-\u2eff\u2ff0-\u2fff\u3400-\u4dbf\u9fb4-\u9fff]/,
  },
}

/** Returns whether bytes consist of single-byte characters and multi-byte sequences in the ranges of a charset. */
export function isDoubleByte(bytes: Uint8Array, { isSingle, leads, minTrail, lead3 }: DoubleByte): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (isSingle(byte)) continue
    if (byte === lead3) at += 2
    else if (!leads.some(([first, last]) => byte >= first && byte <= last)) return false
    else if ((bytes[++at] ?? 0) < minTrail) return false
  }
  return true
}
