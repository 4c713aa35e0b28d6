import { describe, expect, it } from 'vitest'
import { Identity } from './identity.ts'
import { Observations } from './observations.ts'

const WHO_AM_I = { method: 'GET', path: '/kom/sessions/current/who-am-i', id: 'x' }
const LOGIN = { method: 'POST', path: '/kom/sessions/current/login', json: { pers_no: 6, passwd: 'p' }, id: 'x' }

function stage() {
  const observations = new Observations()
  const identity = new Identity(observations, 'reader (kom)')
  identity.sessionNo = 7
  identity.tag = 'mine'
  const answer = (request: typeof WHO_AM_I, json: unknown, status = 200) => {
    const { person } = identity
    identity.sent(request)
    const body = Buffer.from(JSON.stringify(json))
    const head = `HTTP/1.1 ${status} \r\nContent-Type: application/json`
    identity.received(request, { status, head, body }, person)
    return observations.problems('another session').count
  }
  return { observations, identity, answer }
}

describe('the comparison of responses in the soak test', () => {
  it('accepts the responses of the session', () => {
    const { observations, answer } = stage()
    answer(WHO_AM_I, { session_no: 7, person: null })
    answer(LOGIN, { error_msg: 'wrong' }, 401)
    answer(WHO_AM_I, { session_no: 7, person: null })
    answer(LOGIN, { pers_no: 6 }, 201)
    answer({ ...WHO_AM_I, path: '/kom/sessions/current/data' }, { tag: 'mine' })
    answer({ ...WHO_AM_I, path: '/kom/sessions/mine' }, { sessions: [{ client: 'soak of 6 1' }] })
    answer({ ...WHO_AM_I, path: '/kom/persons/6/memberships/unread/' }, { list: [{ pers_no: 6 }] })
    expect(answer(WHO_AM_I, { session_no: 7, person: { pers_no: 6 } })).toBe(0)
    expect(observations.compared.total).toBe(10)
  })

  it.each([
    ['session number', '/sessions/current/who-am-i', { session_no: 8, person: { pers_no: 6 } }],
    ['person', '/sessions/current/who-am-i', { session_no: 7, person: { pers_no: 5 } }],
    ['person that is missing', '/sessions/current/who-am-i', { session_no: 7, person: null }],
    ['data', '/sessions/current/data', {}],
    ['other session', '/sessions/mine', { sessions: [{ client: 'soak of 5 1' }] }],
    ['membership', '/persons/6/memberships/?unread=true', { memberships: [{ pers_no: 5 }] }],
  ])('reports a response with the wrong %s', (_, path, json) => {
    const { answer } = stage()
    answer(LOGIN, { pers_no: 6 }, 201)
    expect(answer({ ...WHO_AM_I, path: `/kom${path}` }, json)).toBe(1)
  })

  it('reports the login of another person', () => {
    expect(stage().answer(LOGIN, { pers_no: 5 }, 201)).toBe(1)
  })
})
