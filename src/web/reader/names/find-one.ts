import type { ConferenceName } from 'komgate/client'
import { t } from './strings.ts'

/**
 * Returns the one person or conference that a typed name stands for, or what is wrong with the name. A complete name
 * stands for itself even if others begin with it.
 *
 * @param find returns the persons and conferences whose names match
 * @throws the errors of `find`
 */
export async function findOne(
  name: string,
  find: (name: string) => Promise<readonly ConferenceName[]>,
): Promise<{ match: ConferenceName } | { error: string }> {
  if (/[^\0-\xff]/.test(name)) return { error: t.value.notLatin }
  const found = await find(name)
  const exact = found.find((each) => each.name.toLowerCase() === name.trim().toLowerCase())
  const match = exact ?? found[0]
  if (match === undefined) return { error: t.value.nobody }
  return exact === undefined && found.length > 1 ? { error: t.value.ambiguous } : { match }
}
