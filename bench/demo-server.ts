import { readFileSync } from 'node:fs'
import { readDemoData } from '../src/demo/demo-data.ts'
import { type DemoServer, startDemoServer } from '../src/demo/server.ts'

const servers = new Map<number, DemoServer>()

/** Starts a demo server with the data of a file. Returns its port. */
export async function listen(dataFile: string): Promise<number> {
  const server = await startDemoServer({ data: readDemoData(JSON.parse(readFileSync(dataFile, 'utf8'))) })
  servers.set(server.port, server)
  return server.port
}

/** Number of connected clients. */
export function connected(port: number): number | undefined {
  return servers.get(port)?.connections
}
