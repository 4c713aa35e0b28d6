/** Returns a regular expression for the decimal digits of the whole numbers from 0 to `max`; leading zeros are allowed. */
export function digitsUpTo(max: number): RegExp {
  const digits = String(max)
  // A number below `max` with as many digits has a lower digit after a common beginning.
  const lower = [...digits].flatMap((digit, i) =>
    digit === '0' ? [] : [`${digits.slice(0, i)}[0-${Number(digit) - 1}]${anyDigits(digits.length - i - 1)}`],
  )
  const shorter = digits.length > 1 ? [`[0-9]{1,${digits.length - 1}}`] : []
  return new RegExp(`^0*(?:${[...shorter, ...lower, digits].join('|')})$`)
}

function anyDigits(count: number): string {
  return count === 0 ? '' : `[0-9]{${count}}`
}
