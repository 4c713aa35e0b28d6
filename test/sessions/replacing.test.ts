import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LimitError } from '../../src/sessions/limit-error.ts'
import { type LimitedSession, type LoginAttempt, LoginLimits } from '../../src/sessions/login-limits.ts'
import { repetitions } from '../support/repetitions.ts'

const PERSON = 6
const STEPS = [
  'begin',
  'begin',
  'succeed',
  'succeed',
  'fail',
  'open stream',
  'close stream',
  'request',
  'response',
  'log out',
] as const

/** The sessions of one gateway, and what must happen to them. */
class Model {
  /** counts the steps; it is the time as well */
  now = 0
  readonly sessions: ModelSession[]
  readonly limits: LoginLimits
  /** the sessions that the step must close, and those that it has closed */
  toClose: ModelSession[] = []
  closed: ModelSession[] = []

  constructor(
    readonly max: number,
    count: number,
  ) {
    this.limits = new LoginLimits({ maxSessionsPerPerson: max })
    // Sessions in one network see the pending logins of each other, those in others do not.
    this.sessions = Array.from({ length: count }, (_, i) => new ModelSession(this, i, `192.0.${i % 3}.1`))
  }

  /** Returns the other sessions on which the person is logged in. */
  othersOf(session: ModelSession): ModelSession[] {
    return this.sessions.filter((other) => other !== session && other.loggedInAt > 0 && !other.isClosing)
  }

  run(step: (typeof STEPS)[number], session: ModelSession): void {
    this.now++
    this.toClose = []
    this.closed = []
    if (session.hasEnded) return
    if (step === 'begin' && !session.isClosing) session.begin()
    else if (step === 'succeed') session.succeed()
    else if (step === 'fail') session.attempts.shift()?.attempt.end('failed')
    else if (step === 'open stream' && !session.isClosing) session.streams++
    else if (step === 'close stream' && session.streams > 0) session.streams--
    else if (step === 'request' && !session.isClosing) session.request()
    else if (step === 'response') session.respond()
    else if (step === 'log out' && session.loggedInAt > 0) session.logOut()
    expect(this.closed.map(({ name }) => name)).toEqual(this.toClose.map(({ name }) => name))
    expect(this.sessions.filter((each) => each.loggedInAt > 0 && !each.isClosing).length).toBeLessThanOrEqual(this.max)
  }
}

class ModelSession implements LimitedSession {
  readonly serverId = 'kom'
  readonly attempts: { attempt: LoginAttempt; begunAt: number }[] = []
  readonly #model: Model
  isClosing = false
  hasEnded = false
  streams = 0
  requests = 0
  lastUsed = 0
  /** time of the login, 0 for none */
  loggedInAt = 0

  constructor(
    model: Model,
    readonly name: number,
    readonly clientAddress: string,
  ) {
    this.#model = model
  }

  get hasStreams(): boolean {
    return this.streams > 0
  }

  begin(): void {
    const { limits, now } = this.#model
    this.lastUsed = now
    const attempt = allowed(() => limits.beginLogin(this, PERSON))
    if (attempt !== undefined) return void this.attempts.push({ attempt, begunAt: now })
    // A rejected login could not have found room even if every other login had failed, or many were pending.
    const streams = this.#model.othersOf(this).filter(({ hasStreams }) => hasStreams).length
    const pending = this.#model.sessions
      .filter(({ clientAddress }) => clientAddress === this.clientAddress)
      .reduce((sum, { attempts }) => sum + attempts.length, 0)
    expect(streams + pending + 1).toBeGreaterThan(this.#model.max)
  }

  succeed(): void {
    const { attempt, begunAt } = this.attempts.shift() ?? {}
    if (attempt === undefined || begunAt === undefined) return
    attempt.end('succeeded')
    if (this.loggedInAt > 0 || this.isClosing) return
    const model = this.#model
    const others = model.othersOf(this)
    const isFull = others.length >= model.max
    model.toClose = isFull ? longestIdle(others, begunAt) : []
    const mayFail = isFull && model.toClose.length === 0
    const isAdmitted = allowed(() => model.limits.makeRoom(this, PERSON, attempt) ?? true)
    expect(isAdmitted === undefined).toBe(mayFail)
    if (mayFail) return
    model.limits.recordPerson(this, 0, PERSON)
    this.loggedInAt = model.now
  }

  request(): void {
    this.requests++
    this.lastUsed = this.#model.now
  }

  respond(): void {
    if (this.requests > 0) this.requests--
    if (this.isClosing && this.requests === 0) this.#end()
  }

  logOut(): void {
    this.#model.limits.recordPerson(this, PERSON, 0)
    this.loggedInAt = 0
  }

  async close(): Promise<void> {
    this.#model.closed.push(this)
    this.isClosing = true
    if (this.requests === 0) this.#end()
  }

  #end(): void {
    if (this.loggedInAt > 0) this.logOut()
    for (const { attempt } of this.attempts.splice(0)) attempt.end('unknown')
    this.hasEnded = true
  }
}

/** Returns the session that a login which began at `begunAt` replaces, if there is one. */
function longestIdle(others: readonly ModelSession[], begunAt: number): ModelSession[] {
  const replaceable = others.filter(
    (other) => other.streams === 0 && other.attempts.length === 0 && other.loggedInAt < begunAt,
  )
  const idle = replaceable.filter(({ requests }) => requests === 0)
  const candidates = idle.length > 0 ? idle : replaceable
  const since = Math.min(...candidates.map(({ lastUsed }) => lastUsed))
  return candidates.filter(({ lastUsed }) => lastUsed === since)
}

/** Returns the result of `work`, or undefined if a limit rejects it. */
function allowed<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof LimitError && error.code === 'sessions-per-person') return undefined
    throw error
  }
}

it('logins never exceed the maximum, and close one idle session at most, which is in no stream and no login', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat({ max: 6 })), { minLength: 100, maxLength: 100 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), steps, (max, chosen) => {
      const model = new Model(max, 7)
      for (const [step, index] of chosen) model.run(step, model.sessions[index] as ModelSession)
    }),
    { numRuns: repetitions(2000) },
  )
})
