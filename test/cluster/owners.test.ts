import { beforeEach, describe, expect, it } from 'vitest'
import type { Owner } from '../../src/cluster/owner.ts'
import { Owners } from '../../src/cluster/owners.ts'
import { slotOf } from '../../src/cluster/slots.ts'

const SLOT = slotOf(1)
const OWNER: Owner = { epoch: 'e1', url: 'http://10.0.0.7:5002' }
const NEXT: Owner = { epoch: 'e2', url: 'http://10.0.0.7:5002' }
const UNAVAILABLE = { code: 'cluster-unavailable' }

describe('the owners of slots', () => {
  let redis: Map<string, string>
  let commands: string[]
  let isAway: boolean
  let owners: Owners
  let isSettled: boolean
  /** epochs of the nodes that answer */
  let alive: Set<string>
  beforeEach(() => {
    redis = new Map([['p:slot:001', JSON.stringify(OWNER)]])
    commands = []
    isAway = false
    const send = async <T>(args: readonly string[]): Promise<T> => {
      commands.push(args.join(' '))
      if (isAway) throw new Error('Redis is away')
      const [name, key = ''] = args
      // One slot has no owner any more.
      if (name === 'HKEYS') return [...redis.keys(), 'p:slot:002'].map((each) => each.slice(-3)) as T
      if (name === 'MGET') return args.slice(1).map((each) => redis.get(each) ?? null) as T
      return (redis.get(key) ?? null) as T
    }
    isSettled = true
    alive = new Set()
    owners = new Owners({ send }, 'p:', {
      isSettled: () => isSettled,
      isAlive: async ({ epoch }) => alive.has(epoch),
    })
  })

  it('are asked for once, and kept', async () => {
    expect(await owners.of(SLOT)).toEqual(OWNER)
    redis.set('p:slot:001', JSON.stringify(NEXT))
    expect(owners.of(SLOT)).toEqual(OWNER)
    expect(commands).toEqual(['GET p:slot:001'])
  })

  it('are replaced by a lookup', async () => {
    await owners.of(SLOT)
    redis.set('p:slot:001', JSON.stringify(NEXT))
    expect(await owners.lookUp(SLOT)).toEqual(NEXT)
    expect(owners.of(SLOT)).toEqual(NEXT)
    redis.clear()
    expect(await owners.lookUp(SLOT)).toBeUndefined()
    expect(await owners.of(SLOT)).toBeUndefined()
  })

  it('are looked up in one command by all requests of a moment', async () => {
    const found = await Promise.all(Array.from({ length: 100 }, () => owners.of(SLOT)))
    expect(new Set(found)).toEqual(new Set([OWNER]))
    await Promise.all([owners.lookUp(SLOT), owners.of(slotOf(2)), owners.lookUp(SLOT), owners.of(slotOf(2))])
    expect(commands).toEqual(['GET p:slot:001', 'GET p:slot:001', 'GET p:slot:002'])
  })

  it('are found as soon as a slot that had none has one', async () => {
    expect(await owners.of(slotOf(2))).toBeUndefined()
    redis.set('p:slot:002', JSON.stringify(NEXT))
    expect(await owners.of(slotOf(2))).toEqual(NEXT)
  })

  it('are known while Redis is away if they were before, and others are not', async () => {
    await owners.of(SLOT)
    await owners.of(slotOf(2))
    isAway = true
    expect(await owners.of(SLOT)).toEqual(OWNER)
    await expect(owners.lookUp(SLOT)).rejects.toMatchObject(UNAVAILABLE)
    expect(await owners.of(SLOT)).toEqual(OWNER)
    await expect(owners.of(slotOf(2))).rejects.toMatchObject(UNAVAILABLE)
    await expect(owners.of(slotOf(3))).rejects.toMatchObject(UNAVAILABLE)
    isAway = false
    expect(await owners.of(slotOf(3))).toBeUndefined()
  })

  it('are kept while they answer, although Redis has lost their leases', async () => {
    await owners.of(SLOT)
    redis.clear()
    alive.add(OWNER.epoch)
    expect(await owners.lookUp(SLOT)).toEqual(OWNER)
    alive.clear()
    isSettled = false
    await expect(owners.lookUp(SLOT)).rejects.toMatchObject(UNAVAILABLE)
    await expect(owners.of(slotOf(2))).rejects.toMatchObject(UNAVAILABLE)
    isSettled = true
    expect(await owners.lookUp(SLOT)).toBeUndefined()
    expect(await owners.of(SLOT)).toBeUndefined()
  })

  it('are listed with their slots', async () => {
    redis.set('p:slot:fff', JSON.stringify(NEXT))
    expect(await owners.all()).toEqual(
      new Map([
        ['001', OWNER],
        ['fff', NEXT],
      ]),
    )
    redis.clear()
    expect(await owners.all()).toEqual(new Map())
    isAway = true
    await expect(owners.all()).rejects.toMatchObject(UNAVAILABLE)
  })
})
