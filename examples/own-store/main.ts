/**
 * A gateway whose sessions are in a store of its own.
 *
 *     npx tsx examples/own-store/main.ts
 */
import { startGateway } from 'komgate'
import { MapBackend } from './map-backend.ts'

const gateway = await startGateway({
  servers: { demo: { name: 'Demo LysKOM', demo: true } },
  http: { port: Number(process.env.PORT ?? 8080) },
  store: new MapBackend(),
})
console.log(`listening on ${gateway.url}`)
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void gateway.close())
