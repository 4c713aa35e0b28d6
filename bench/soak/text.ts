/** What a text of a client says: as long as it shall be, and like no other's. */
export function bodyOf(subject: string, size: number): string {
  return `${subject} åäö. `.repeat(Math.ceil(size / (subject.length + 6))).slice(0, size)
}
