import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connect, type Kom, type KomEvent, type Link, type Live, type Text } from '../../src/client/index.ts'
import { BACKENDS } from '../contract/backends.ts'
import type { Cut } from '../support/cut-follower.ts'
import { CutNetwork } from '../support/cut-network.ts'
import { comparable } from '../support/live-state.ts'
import { repetitions } from '../support/repetitions.ts'
import { onModelStage } from './stage.ts'
import { type Plan, plans, type Step, WITHOUT_SHRINKING } from './steps.ts'
import { type ModelSession, SESSIONS, type World } from './world.ts'

const RUNS = repetitions(25, 4)

/** A client that keeps a model of a session. Its event streams are cut. */
class Model {
  readonly events: KomEvent[] = []
  readonly #network: CutNetwork
  #kom!: Kom
  #live!: Live

  private constructor(cuts: readonly Cut[]) {
    this.#network = new CutNetwork(cuts)
  }

  static async open(url: string, { id }: ModelSession, cuts: readonly Cut[]): Promise<Model> {
    const model = new Model(cuts)
    model.#kom = await connect({
      url,
      server: 'kom',
      client: { name: 'test', version: '1' },
      connectionId: id,
      fetch: model.#network.fetch,
      retryBaseMs: 1,
      retryMaxMs: 5,
    })
    const onEvent = (event: KomEvent) => void model.events.push(event)
    model.#live = await model.#kom.live({ texts: 3, revalidateMs: 0, onEvent })
    return model
  }

  /** The state of the connection, and the id of the last event that the model has received. */
  get last() {
    return { status: this.#live.state.status, id: this.events.at(-1)?.id }
  }

  /** Reads a text, which the model holds from then on. The person may not be allowed to read it. */
  async read(textNo: number): Promise<void> {
    await this.#live.text(textNo).catch(() => undefined)
  }

  /** Expects that the model is what a fresh start returns, and that its texts are current. */
  async expectCurrent(): Promise<void> {
    const { status, error, texts, ...state } = this.#live.state
    expect({ status, error }).toEqual({ status: 'live', error: undefined })
    const { position: _, texts: __, ...fresh } = await this.#kom.start({ texts: 0 })
    expect(comparable(state)).toEqual(comparable(fresh))
    for (const text of Object.values(texts)) {
      if (!this.#hasAllEvents(text)) continue
      const current = await this.#kom.texts.get(text.text_no)
      expect(await this.#reported(text)).toEqual(await this.#reported(current))
    }
    await this.#live.revalidate()
    for (const text of Object.values(this.#live.state.texts)) {
      expect(text).toEqual(await this.#kom.texts.get(text.text_no))
    }
  }

  async close(): Promise<void> {
    this.#live.close()
    await this.#network.close()
  }

  /** Returns what events report of a text. */
  async #reported(text: Text): Promise<object> {
    const changed = this.#changedMemberships()
    return {
      ...text,
      no_of_marks: 0,
      comment_to_list: await this.#reportedLinks(text.comment_to_list),
      comment_in_list: await this.#reportedLinks(text.comment_in_list),
      recipient_list: text.recipient_list
        // The person may see some only as a member.
        .filter(({ recpt }) => !changed.has(recpt.conf_no))
        .map((recipient) => ({ ...recipient, rec_time: null })),
    }
  }

  /** Returns the links to texts that the person could read during the whole run. */
  async #reportedLinks(links: readonly Link[]): Promise<Link[]> {
    const found = await Promise.all(
      links.map(async (link) => {
        const changes = this.events.filter((event) => 'text_no' in event && event.text_no === link.text_no)
        if (changes.some(({ type }) => type === 'new-recipient' || type === 'sub-recipient')) return []
        const text = await this.#kom.texts.get(link.text_no).catch(() => undefined)
        const isReported = text ? this.#hasAllEvents(text) : changes.some(({ type }) => type === 'deleted-text')
        return isReported ? link : []
      }),
    )
    return found.flat()
  }

  /** Returns whether the person was an active member of a recipient of a text during the whole run. */
  #hasAllEvents({ recipient_list }: Text): boolean {
    if (this.events.some(({ type }) => type === 'person' || type === 'reset')) return false
    const recipients = recipient_list.filter(({ sent_by }) => sent_by === null).map(({ recpt }) => recpt.conf_no)
    const changed = this.#changedMemberships()
    return this.#live.state.memberships.some(
      ({ conference: { conf_no }, type }) => !type.passive && !changed.has(conf_no) && recipients.includes(conf_no),
    )
  }

  /** Returns the conferences that the person has joined or left, or whose membership has changed. */
  #changedMemberships(): Set<number> {
    const changes = this.events.flatMap((event) =>
      event.type === 'membership' || event.type === 'new-membership' || event.type === 'leave-conf'
        ? event.conf_no
        : [],
    )
    return new Set(changes)
  }
}

describe.each(BACKENDS)('kom.live on $name', ({ start }) => {
  const stage = onModelStage(() => start())

  async function run({ groups, cuts }: Plan): Promise<void> {
    const world = await stage.newWorld()
    const models: Model[] = []
    try {
      for (const session of world.sessions) {
        models.push(await Model.open(stage.gateway.url, session, cuts[models.length] ?? []))
      }
      for (const group of groups) await Promise.all(group.map((step) => performAndRead(world, models, step)))
      await world.finish()
      for (const [i, model] of models.entries()) {
        const { id } = await world.lastEvent(world.sessions[i] as ModelSession)
        // The position may be ahead of the events, because requests return the latest state.
        await expect.poll(() => model.last, { interval: 5 }).toEqual({ status: 'live', id })
        await model.expectCurrent()
      }
    } finally {
      for (const model of models) await model.close()
      await world.close()
    }
  }

  it('has the state of a fresh start after random changes', async () => {
    const property = fc.asyncProperty(plans(SESSIONS, SESSIONS), run)
    await fc.assert(property, { numRuns: RUNS, ...WITHOUT_SHRINKING })
  }, 120_000)
})

/** Makes the request of a step, while one of the models reads a text. */
async function performAndRead(world: World, models: readonly Model[], step: Step): Promise<void> {
  const textNo = world.texts[step.b % world.texts.length] as number
  await Promise.all([world.perform(step), models[step.c % SESSIONS]?.read(textNo)])
}
