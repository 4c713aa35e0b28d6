import type { KomEvent, Text, Thread } from 'komgate/client'
import { describe, expect, it, vi } from 'vitest'
import { MAX_DEPTH, type Nested, nested, rowsAround, rowsOf } from '../../src/web/reader/thread/rows.ts'
import { Threads } from '../../src/web/reader/thread/threads.ts'
import { type Branch, completeThread, type Overview, treeOf } from '../../src/web/reader/thread/tree.ts'

const AUTHOR = { pers_no: 6, pers_name: 'Anna' }
const link = (text_no: number, type: 'comment' | 'footnote' = 'comment') => ({ type, text_no, author: AUTHOR })

/** A text that comments `above`, and has the comments `below`. */
function text(no: number, above: number[], below: number[], footnotes: number[] = []): Overview {
  return {
    text_no: no,
    author: AUTHOR,
    creation_time: '2026-01-01T00:00:00Z',
    subject: `Subject ${no}`,
    comment_to_list: above.map((each) => link(each)),
    comment_in_list: [...below.map((each) => link(each)), ...footnotes.map((each) => link(each, 'footnote'))],
  }
}

/** 1 has the comments 2 and 5, 2 the comment 3 and the footnote 4. */
const TEXTS = [text(1, [], [2, 5]), text(2, [1], [3], [4]), text(3, [2], []), text(4, [2], []), text(5, [1], [])]
const textIn = (texts: readonly Overview[]) => (no: number) => texts.find(({ text_no }) => text_no === no)

type Numbers = [number, ...Numbers[]]
const numbers = ({ no, children }: Branch): Numbers => [no, ...children.map(numbers)]
const shape = (no: number, texts: readonly Overview[]) => {
  const tree = treeOf(no, textIn(texts))
  return tree && numbers(tree)
}

describe('treeOf', () => {
  it('begins at the top of the thread, with footnotes before comments', () => {
    for (const no of [1, 3, 5]) expect(shape(no, TEXTS)).toEqual([1, [2, [4], [3]], [5]])
  })

  it('has the texts of which only a link is known', () => {
    expect(shape(2, TEXTS.slice(0, 2))).toEqual([1, [2, [4], [3]], [5]])
    expect(treeOf(2, textIn(TEXTS.slice(0, 2)))?.children[1]).toEqual({
      no: 5,
      text: undefined,
      author: AUTHOR,
      children: [],
    })
  })

  it('leaves out texts that the person may not read', () => {
    const hidden = { ...text(1, [], [2]), comment_in_list: [{ type: 'comment' as const, text_no: 2, author: null }] }
    expect(shape(1, [hidden])).toEqual([1])
  })

  it('has each text once, in circles and below several texts too', () => {
    expect(shape(1, [text(1, [2], [2]), text(2, [1], [1])])).toEqual([2, [1]])
    expect(shape(3, [text(1, [], [2, 3]), text(2, [1], [3]), text(3, [2, 1], [])])).toEqual([1, [2, [3]]])
  })

  it('has the shown text although the text above does not link to it yet', () => {
    expect(shape(2, [text(1, [], []), text(2, [1], [])])).toEqual([1, [2]])
  })

  it('is not limited by the stack', () => {
    const depth = 20_000
    const texts = new Map<number, Overview>()
    for (let no = 1; no <= depth; no++) texts.set(no, text(no, no > 1 ? [no - 1] : [], no < depth ? [no + 1] : []))
    let branch = treeOf(depth, (no) => texts.get(no))
    let height = 0
    for (; branch !== undefined; branch = branch.children[0]) height++
    expect(height).toBe(depth)
  })

  it('is undefined for a text that is not known', () => {
    expect(shape(9, TEXTS)).toBeUndefined()
  })
})

describe('the rows of a thread', () => {
  const CHAIN = Array.from({ length: 5000 }, (_, i) => text(i + 1, i === 0 ? [] : [i], i === 4999 ? [] : [i + 2]))
  const chain = treeOf(1, (no) => CHAIN[no - 1]) as Branch
  const small = rowsOf(treeOf(1, textIn(TEXTS)) as Branch)
  const nos = (rows: readonly { branch: Branch }[]) => rows.map(({ branch }) => branch.no)
  const shapeOf = ({ row, children }: Nested): Numbers => [row.branch.no, ...children.map(shapeOf)]

  it('are in reading order, with the level of each and the text above', () => {
    expect(nos(small)).toEqual([1, 2, 4, 3, 5])
    expect(small.map(({ depth, above }) => [depth, above?.no])).toEqual([
      [0, undefined],
      [1, 1],
      [2, 2],
      [2, 2],
      [1, 1],
    ])
    expect(nested(small).map(shapeOf)).toEqual([[1, [2, [4], [3]], [5]]])
  })

  it('of a deep thread have a bounded depth, and are not limited by the stack', () => {
    const rows = rowsOf(chain)
    expect([rows.length, rows.at(-1)?.depth]).toEqual([5000, MAX_DEPTH])
    const depthOf = ({ children }: Nested): number => 1 + Math.max(0, ...children.map(depthOf))
    expect(nested(rows.slice(0, 500)).map(depthOf)).toEqual([MAX_DEPTH + 1])
  })

  it('around a text are a bounded number', () => {
    const rows = rowsOf(chain)
    const around = (no: number) => {
      const { shown, before, after } = rowsAround(rows, no, 10)
      return [nos(shown).at(0), nos(shown).at(-1), before, after]
    }
    expect(around(1)).toEqual([1, 10, 0, 4990])
    expect(around(100)).toEqual([95, 104, 94, 4896])
    expect(around(5000)).toEqual([4991, 5000, 4990, 0])
    expect(rowsAround(small, 3, 10)).toEqual({ shown: small, before: 0, after: 0 })
    expect(rowsAround([], 3, 10)).toEqual({ shown: [], before: 0, after: 0 })
  })

  it('whose text above is left out begin at the first level', () => {
    expect(nested(small.slice(2)).map(shapeOf)).toEqual([[4], [3], [5]])
  })
})

describe('completeThread', () => {
  it('returns a thread of which all texts are known', () => {
    expect(completeThread(3, textIn(TEXTS))).toEqual(new Set([1, 2, 3, 4, 5]))
    expect(completeThread(3, textIn(TEXTS.slice(0, 4)))).toBeUndefined()
  })
})

describe('Threads', () => {
  /** A source in which the person holds some texts, and the gateway has all of `texts`. */
  function source(texts: Overview[], held: number[] = []) {
    return {
      held: (no: number) => (held.includes(no) ? textIn(texts)(no) : undefined),
      tree: vi.fn(async () => ({ texts: Object.fromEntries(texts.map((each) => [each.text_no, each])) }) as Thread),
      text: vi.fn(async (no: number) => {
        const found = textIn(texts)(no)
        if (found === undefined) throw new Error(`no text ${no}`)
        return found as Text
      }),
      isShown: () => true,
    }
  }

  const newComment = (no: number, to: number) =>
    ({
      type: 'new-text',
      id: 'a-1',
      text_no: no,
      author: AUTHOR,
      recipients: [],
      text_stat: { misc_info: [{ kind: 'comm_to', value: to }] },
    }) as unknown as KomEvent

  const treeFrom = (threads: Threads, no: number) => numbers(treeOf(no, threads.textOf) as Branch)

  it('requests a thread once', async () => {
    const from = source(TEXTS, [2])
    const threads = new Threads(from)
    await Promise.all([threads.ensure(2), threads.ensure(2)])
    expect(threads.ensure(5)).toBeUndefined()
    expect(from.tree).toHaveBeenCalledTimes(1)
    expect(treeFrom(threads, 2)).toEqual([1, [2, [4], [3]], [5]])
  })

  it('requests no thread of which all texts are held', () => {
    const from = source(TEXTS, [1, 2, 3, 4, 5])
    expect(new Threads(from).ensure(2)).toBeUndefined()
    expect(from.tree).not.toHaveBeenCalled()
  })

  it('adds a new comment with its subject, also to a text that has not been read', async () => {
    const texts = [...TEXTS]
    const threads = new Threads(source(texts, [1]))
    await threads.ensure(1)
    texts.push(text(6, [3], []))
    threads.onEvent(newComment(6, 3))
    await expect.poll(() => threads.textOf(6)?.subject).toBe('Subject 6')
    expect(treeFrom(threads, 1)).toEqual([1, [2, [4], [3, [6]]], [5]])
  })

  it('adds a comment that comes while the thread is requested', async () => {
    const texts = [...TEXTS]
    const from = source(texts, [1])
    const threads = new Threads(from)
    const request = threads.ensure(1)
    threads.onEvent(newComment(6, 3))
    await request
    expect(treeFrom(threads, 1)).toEqual([1, [2, [4], [3, [6]]], [5]])
  })

  it('requests nothing for a comment in a thread that is not shown, or not known', async () => {
    const from = source(TEXTS, [1])
    const threads = new Threads({ ...from, isShown: () => false })
    threads.onEvent(newComment(6, 3))
    await threads.ensure(1)
    threads.onEvent(newComment(7, 3))
    expect(from.text).not.toHaveBeenCalled()
    expect(treeFrom(threads, 1)).toEqual([1, [2, [4], [3, [7]]], [5]])
  })

  it('links, unlinks and removes texts', async () => {
    const threads = new Threads(source([...TEXTS, text(9, [], [])], [1]))
    await threads.ensure(1)
    threads.onEvent({ type: 'unlinked', id: 'a-1', text_no: 3, to: 2, link_type: 'comment' })
    threads.onEvent({ type: 'linked', id: 'a-2', text_no: 9, to: 4, link_type: 'footnote' })
    expect(treeFrom(threads, 1)).toEqual([1, [2, [4, [9]]], [5]])
    threads.onEvent({ type: 'deleted-text', id: 'a-3', text_no: 4 } as KomEvent)
    expect(treeFrom(threads, 1)).toEqual([1, [2], [5]])
    expect(threads.textOf(4)).toBeUndefined()
  })

  it('begins again when events are missing', async () => {
    const from = source(TEXTS, [1])
    const threads = new Threads(from)
    await threads.ensure(1)
    threads.onEvent({ type: 'reset', id: 'b-1', reason: 'expired', position: 'b-1' })
    expect(threads.textOf(3)).toBeUndefined()
    await threads.ensure(1)
    expect(from.tree).toHaveBeenCalledTimes(2)
  })

  it('keeps a bounded number of texts', async () => {
    const from = source([])
    const threads = new Threads(from)
    for (let thread = 0; thread < 40; thread++) {
      const texts = Array.from({ length: 200 }, (_, i) => text(thread * 1000 + i + 1, [], []))
      from.tree.mockResolvedValueOnce({
        texts: Object.fromEntries(texts.map((each) => [each.text_no, each])),
      } as Thread)
      await threads.ensure(thread * 1000 + 1)
    }
    expect(threads.textOf(1)).toBeUndefined()
    expect(threads.textOf(39_001)).toBeDefined()
    const known = Array.from({ length: 40_000 }, (_, no) => threads.textOf(no)).filter((each) => each !== undefined)
    expect(known).toHaveLength(3000)
  })

  it('reports that a thread cannot be loaded, and tries again', async () => {
    const from = source(TEXTS, [1])
    from.tree.mockRejectedValueOnce(new Error('away'))
    const threads = new Threads(from)
    await threads.ensure(1)
    expect(threads.error.value).toBeInstanceOf(Error)
    await threads.ensure(1)
    expect(threads.error.value).toBeUndefined()
    expect(treeFrom(threads, 1)).toEqual([1, [2, [4], [3]], [5]])
  })
})
