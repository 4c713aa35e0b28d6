import { t } from './strings.ts'

/** URLs of nodes of the cluster that have not answered; null if the nodes are not known. */
export type Missing = readonly string[] | null

/** Returns a sentence about nodes whose part of a list is missing. */
export function missingText(missing: Missing): string {
  const { unknownNodes, silentNodes } = t.value
  return missing === null ? unknownNodes : silentNodes(missing.join(', '))
}
