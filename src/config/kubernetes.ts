const SERVICE = 'KOMGATE(?:_[A-Z0-9_]+)?'
const ADDRESS = /^[0-9A-Fa-f.:]+$/
const PORT = /^\d{1,5}$/
const PROTOCOL = /^(?:tcp|udp|sctp)$/
const URL_OF_PORT = /^(?:tcp|udp|sctp):\/\/\S+:\d{1,5}$/

/** Name and value patterns of the environment variables of a Service called `komgate` or `komgate-…`. */
const INJECTED: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [new RegExp(`^${SERVICE}_SERVICE_HOST$`), ADDRESS],
  [new RegExp(`^${SERVICE}_SERVICE_PORT(?:_[A-Z0-9_]+)?$`), PORT],
  [new RegExp(`^${SERVICE}_PORT$`), URL_OF_PORT],
  [new RegExp(`^${SERVICE}_PORT_\\d{1,5}_(?:TCP|UDP|SCTP)$`), URL_OF_PORT],
  [new RegExp(`^${SERVICE}_PORT_\\d{1,5}_(?:TCP|UDP|SCTP)_PROTO$`), PROTOCOL],
  [new RegExp(`^${SERVICE}_PORT_\\d{1,5}_(?:TCP|UDP|SCTP)_PORT$`), PORT],
  [new RegExp(`^${SERVICE}_PORT_\\d{1,5}_(?:TCP|UDP|SCTP)_ADDR$`), ADDRESS],
]

/**
 * Returns whether Kubernetes has set an environment variable for a Service named `komgate` or `komgate-…`
 * (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables). Such a variable is not a
 * setting of komgate.
 */
export function isServiceVariable(name: string, value: string): boolean {
  return INJECTED.some(([names, values]) => names.test(name) && values.test(value))
}
