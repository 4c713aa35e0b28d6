/** Returns a text body of `size` characters that is unique to `subject`. */
export function bodyOf(subject: string, size: number): string {
  return `${subject} åäö. `.repeat(Math.ceil(size / (subject.length + 6))).slice(0, size)
}
