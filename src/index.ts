/** The API for programs that embed komgate. */
export { type Config, ConfigError, readConfig, type ServerConfig } from './config/settings.ts'
export { createGateway, type Gateway, type ListeningGateway, startGateway } from './gateway.ts'
