import { KomgateError } from '../protocol/komgate-error.ts'

declare module '../protocol/komgate-error.ts' {
  interface ErrorCodes extends Record<ConfigError['code'], ConfigError> {}
}

/** A setting, an option or a configuration file is invalid. The message is one line: the place, then the reason. */
export class ConfigError extends KomgateError {
  readonly code = 'invalid-configuration'
}
