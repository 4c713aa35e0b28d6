/** An invalid setting or configuration file. The message is one line: the place, then the reason. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
