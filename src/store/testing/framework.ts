/** The functions of a test framework that the tests of a backend call, such as those of Vitest. */
export interface TestFramework {
  describe(title: string, body: () => void): unknown
  test(title: string, body: () => Promise<void>, timeoutMs?: number): unknown
  beforeAll(body: () => Promise<void>, timeoutMs?: number): unknown
  afterAll(body: () => Promise<void>, timeoutMs?: number): unknown
  beforeEach(body: () => void): unknown
  expect: Expect
}

/** The function `expect` of a test framework. */
export interface Expect {
  (actual: unknown): Matchers
  arrayContaining(list: unknown[]): unknown
}

/** Comparisons that throw if they fail. */
export interface Matchers {
  readonly not: Pick<Matchers, 'toContain'>
  readonly rejects: { toMatchObject(expected: object): Promise<unknown> }
  toBe(expected: unknown): unknown
  toBeDefined(): unknown
  toBeUndefined(): unknown
  toBeGreaterThan(expected: number): unknown
  toBeLessThan(expected: number): unknown
  toContain(expected: string): unknown
  toEqual(expected: unknown): unknown
  toHaveLength(expected: number): unknown
  toMatchObject(expected: object): unknown
}
