import type { SessionRecord } from '../../src/store/record.ts'

/** Collects all records of a paged list. */
export async function all(pages: AsyncIterable<SessionRecord[]> | undefined): Promise<SessionRecord[]> {
  if (pages === undefined) throw new Error('this store cannot list')
  const records: SessionRecord[] = []
  for await (const page of pages) records.push(...page)
  return records
}
