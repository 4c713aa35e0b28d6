/** Returns the text number that a person has typed: `4711`, `#4711`, `text 4711` or `inlägg 4711`. */
export function textNoOf(typed: string): number | undefined {
  const [, no] = /^\s*(?:#|<|(?:text|inlägg)(?:et)? )?\s*([1-9]\d{0,9})>?\s*$/i.exec(typed) ?? []
  return no === undefined ? undefined : Number(no)
}
