import { t } from './strings.ts'
import type { Fault } from './validate.ts'

/** Returns what a fault means to the operator, in their language. */
export function faultText({ code, expected }: Fault): string {
  const strings = t.value
  switch (code) {
    case 'enum':
    case 'minimum':
    case 'maximum':
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
    case 'pattern':
      return strings[code](String(expected))
    case 'json':
      return strings.jsonFault(String(expected))
    case 'number':
      return strings.numberFault
    case 'null':
      return strings.nullFault
    default:
      return strings[code]
  }
}
