/** Generates a unique text body of `size` characters. */
export function bodyOf(subject: string, size: number): string {
  return `${subject} åäö. `.repeat(Math.ceil(size / (subject.length + 6))).slice(0, size)
}
