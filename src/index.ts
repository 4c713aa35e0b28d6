/** What a program that embeds komgate needs. */
export { type Command, type Config, ConfigError, readCommand, type ServerConfig } from './config.ts'
export { type Gateway, startGateway } from './gateway.ts'
