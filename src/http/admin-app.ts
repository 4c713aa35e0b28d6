import type { Hono } from 'hono'
import { bareApp } from './bare-app.ts'
import type { AppOptions, Env } from './context.ts'
import { observabilityRoutes } from './routes/observability.ts'

/** Creates the application for the separate port that only operators reach: metrics, health, administration. */
export function createAdminApp(options: AppOptions): Hono<Env> {
  return bareApp(options, '').route('/', observabilityRoutes(options))
}
