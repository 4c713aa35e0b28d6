import type { SessionRecord } from '../../src/store/record.ts'

/** Collects all records of a paged list. Throws an `Error` if the store cannot list records. */
export async function all(pages: AsyncIterable<SessionRecord[]> | undefined): Promise<SessionRecord[]> {
  if (pages === undefined) throw new Error('the store cannot list records')
  const records: SessionRecord[] = []
  for await (const page of pages) records.push(...page)
  return records
}
