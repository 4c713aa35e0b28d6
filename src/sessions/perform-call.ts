import type { CallName, Params } from '../protocol/calls/index.ts'
import { KomError } from '../protocol/errors.ts'
import type { GatewaySession } from './gateway-session.ts'

/**
 * Performs a call that a client has chosen. Calls that change the state of the session go through its methods. An
 * accept-async is added to the messages that the session needs itself.
 *
 * @param params the parameters of the call `name`
 * @throws LimitError if a login limit is reached
 * @throws KomError if the server replies with an error, or if the gateway does not permit the call
 */
export function performCall(session: GatewaySession, name: CallName, params: unknown): Promise<unknown> {
  switch (name) {
    case 'login': {
      const { person, passwd, invisible } = params as Params<'login'>
      return session.loginAs(person, passwd, invisible)
    }
    case 'login-old': {
      const { person, passwd } = params as Params<'login-old'>
      return session.loginAs(person, passwd, false)
    }
    case 'set-passwd': {
      const { person, oldPwd, newPwd } = params as Params<'set-passwd'>
      return session.setPassword(person, oldPwd, newPwd)
    }
    case 'logout':
      return session.logout()
    case 'accept-async': {
      const { requestList } = params as Params<'accept-async'>
      return session.accept(requestList)
    }
    case 'set-connection-time-format':
      return Promise.reject(KomError.of('feature-disabled', 0))
    default:
      return session.lyskom.connection.call(name as 'who-am-i', params as Params<'who-am-i'>)
  }
}
