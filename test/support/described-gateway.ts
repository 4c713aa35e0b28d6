import type { TestServer, TestSettings } from './config.ts'
import { startTestGateway, type TestGateway } from './gateway.ts'
import { OpenApi } from './openapi.ts'

/** The descriptions of gateways by their text: most gateways of a process have the same one. */
const descriptions = new Map<string, OpenApi>()

/** Returns the description that a gateway serves. */
export async function descriptionOf(gateway: TestGateway): Promise<OpenApi> {
  const { status, text, json } = await gateway.send('GET', '/openapi.json')
  if (status !== 200) throw new Error(`/openapi.json: ${status} ${text}`)
  const known = descriptions.get(text) ?? new OpenApi(json)
  descriptions.set(text, known)
  return known
}

/** Starts a gateway whose `send` rejects with an `Error` if the description of the gateway lacks the response. */
export async function startDescribedGateway(
  servers: readonly TestServer[],
  settings: TestSettings = {},
): Promise<TestGateway> {
  const gateway = await startTestGateway(servers, settings)
  const description = await descriptionOf(gateway)
  return {
    ...gateway,
    async send(method, path, options) {
      const answer = await gateway.send(method, path, options)
      description.check({ method, path }, answer)
      return answer
    },
  }
}
