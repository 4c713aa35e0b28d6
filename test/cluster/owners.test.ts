import { beforeEach, describe, expect, it } from 'vitest'
import { type Owner, ownerJson } from '../../src/cluster/owner.ts'
import { Owners } from '../../src/cluster/owners.ts'
import { type Slot, slotOf } from '../../src/cluster/slots.ts'

const SLOT = slotOf(1)
const OWNER: Owner = { epoch: 'e1', url: 'http://10.0.0.7:5002' }
const NEXT: Owner = { epoch: 'e2', url: 'http://10.0.0.7:5002' }
const KEY = 'k'.repeat(32)
const UNAVAILABLE = { code: 'cluster-unavailable' }

describe('the owners of slots', () => {
  let redis: Map<string, string>
  /** the last owners of slots */
  let last: Map<string, string>
  let commands: string[]
  let isDown: boolean
  let owners: Owners
  let isSettled: boolean
  /** epochs of the nodes that answer */
  let alive: Set<string>
  let probes: number
  /** slots that were reported */
  let invalid: Slot[]
  beforeEach(() => {
    redis = new Map()
    last = new Map()
    claim(SLOT, OWNER)
    invalid = []
    commands = []
    isDown = false
    const send = async <T>(args: readonly string[]): Promise<T> => {
      commands.push(args.join(' '))
      if (isDown) throw new Error('Redis is unavailable')
      const [name, key = ''] = args
      // One slot has no owner any more.
      if (name === 'HGET') return (last.get(args[2] ?? '') ?? null) as T
      if (name === 'HKEYS') return [...redis.keys(), 'p:slot:002'].map((each) => each.slice(-3)) as T
      if (name === 'MGET') return args.slice(1).map((each) => redis.get(each) ?? null) as T
      return (redis.get(key) ?? null) as T
    }
    isSettled = true
    probes = 0
    alive = new Set()
    owners = new Owners({
      connection: { send },
      prefix: 'p:',
      clusterKey: KEY,
      isSettled: () => isSettled,
      isAlive: async ({ epoch }) => {
        probes++
        return alive.has(epoch)
      },
      onInvalid: (slot) => invalid.push(slot),
    })
  })

  /** Writes the record of a node. */
  const claim = (slot: Slot, owner: Owner, key = KEY) => redis.set(`p:slot:${slot}`, ownerJson(slot, owner, key))

  it('are asked for once, and kept', async () => {
    expect(await owners.of(SLOT)).toEqual(OWNER)
    claim(SLOT, NEXT)
    expect(owners.of(SLOT)).toEqual(OWNER)
    expect(commands).toEqual(['GET p:slot:001'])
  })

  it('are replaced by a lookup', async () => {
    await owners.of(SLOT)
    claim(SLOT, NEXT)
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
    expect(commands).toEqual(['GET p:slot:001', 'GET p:slot:001', 'GET p:slot:002', 'HGET p:owners 002'])
  })

  it('are found as soon as a slot that had none has one', async () => {
    expect(await owners.of(slotOf(2))).toBeUndefined()
    claim(slotOf(2), NEXT)
    expect(await owners.of(slotOf(2))).toEqual(NEXT)
  })

  it('are known while Redis is unavailable if they were before, and others are not', async () => {
    await owners.of(SLOT)
    await owners.of(slotOf(2))
    isDown = true
    expect(await owners.of(SLOT)).toEqual(OWNER)
    await expect(owners.lookUp(SLOT)).rejects.toMatchObject(UNAVAILABLE)
    expect(await owners.of(SLOT)).toEqual(OWNER)
    await expect(owners.of(slotOf(2))).rejects.toMatchObject(UNAVAILABLE)
    await expect(owners.of(slotOf(3))).rejects.toMatchObject(UNAVAILABLE)
    isDown = false
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

  it('are found while they answer without a lease, unless another node has taken it', async () => {
    redis.clear()
    last.set(SLOT, ownerJson(SLOT, OWNER, KEY))
    alive.add(OWNER.epoch)
    expect(await owners.of(SLOT)).toEqual(OWNER)
    expect(owners.of(SLOT)).toEqual(OWNER)
    last.set(SLOT, 'ended')
    expect(await owners.lookUp(SLOT)).toBeUndefined()
    last.set(SLOT, ownerJson(SLOT, NEXT, 'x'.repeat(32)))
    alive.add(NEXT.epoch)
    expect(await owners.lookUp(SLOT)).toBeUndefined()
    claim(SLOT, NEXT)
    expect(await owners.lookUp(SLOT)).toEqual(NEXT)
  })

  it('are not asked again and again when they do not answer without a lease', async () => {
    redis.clear()
    last.set(SLOT, ownerJson(SLOT, OWNER, KEY))
    for (let i = 0; i < 3; i++) expect(await owners.lookUp(SLOT)).toBeUndefined()
    expect(probes).toBe(1)
    last.set(SLOT, ownerJson(SLOT, NEXT, KEY))
    alive.add(NEXT.epoch)
    expect(await owners.lookUp(SLOT)).toEqual(NEXT)
    claim(SLOT, OWNER)
    expect(await owners.lookUp(SLOT)).toEqual(OWNER)
    expect(probes).toBe(2)
  })

  it.each([
    ['a record for another slot', ownerJson(slotOf(3), NEXT, KEY)],
    ['a record with another key', ownerJson(slotOf(2), NEXT, 'x'.repeat(32))],
    ['another URL in a record', ownerJson(slotOf(2), NEXT, KEY).replace('10.0.0.7', '10.6.6.6')],
    ['a record without a MAC', JSON.stringify(NEXT)],
    ['a URL that is not of a node', ownerJson(slotOf(2), { ...NEXT, url: 'http://10.0.0.7:5002/path' }, KEY)],
    ['a text', '{'],
  ])('are not known by %s, which is reported once', async (_, json) => {
    redis.set('p:slot:002', json)
    await expect(owners.of(slotOf(2))).rejects.toMatchObject(UNAVAILABLE)
    await expect(owners.lookUp(slotOf(2))).rejects.toMatchObject(UNAVAILABLE)
    expect(await owners.all()).toEqual(new Map([[SLOT, OWNER]]))
    expect(invalid).toEqual([slotOf(2)])
    // A node is known until another one takes its slot.
    await owners.of(SLOT)
    redis.set(`p:slot:${SLOT}`, json)
    await expect(owners.lookUp(SLOT)).rejects.toMatchObject(UNAVAILABLE)
    expect(owners.of(SLOT)).toEqual(OWNER)
  })

  it('are known by records with fields of later versions', async () => {
    redis.set('p:slot:002', JSON.stringify({ ...JSON.parse(ownerJson(slotOf(2), NEXT, KEY)), zone: 'b' }))
    expect(await owners.of(slotOf(2))).toEqual(NEXT)
  })

  it('are listed with their slots', async () => {
    claim(slotOf(4095), NEXT)
    expect(await owners.all()).toEqual(
      new Map([
        ['001', OWNER],
        ['fff', NEXT],
      ]),
    )
    redis.clear()
    expect(await owners.all()).toEqual(new Map())
    isDown = true
    await expect(owners.all()).rejects.toMatchObject(UNAVAILABLE)
  })
})
