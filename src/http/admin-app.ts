import type { Hono } from 'hono'
import { bareApp } from './bare-app.ts'
import type { AppOptions, Env } from './context.ts'
import { watchRoutes } from './routes/watching.ts'

/** What only those who run the gateway ask for, as an application for a port of its own. */
export function createAdminApp(options: AppOptions): Hono<Env> {
  return bareApp(options, '').route('/', watchRoutes(options))
}
