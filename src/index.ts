/** The API for programs that embed komgate: `import { startGateway } from 'komgate'`. */
export { readConfig } from './config/command-line.ts'
export type { Config, GatewayOptions } from './config/config.ts'
export { ConfigError } from './config/config-error.ts'
export type * from './config/options.ts'
export type { Servers } from './config/servers.ts'
export { createGateway, type Gateway, type ListeningGateway, startGateway } from './gateway.ts'
export type { Logger } from './ops/logger.ts'
export { startTracing, type Tracing } from './ops/tracing.ts'
