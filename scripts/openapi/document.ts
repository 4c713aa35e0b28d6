/** Generates docs/openapi.json, the description of the API with everything enabled: `npm run openapi`. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { COMPAT_APIS } from '../../src/compat/compat-apis.ts'
import { createGateway } from '../../src/gateway.ts'

const DOCUMENT = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url))

/** Returns the text of docs/openapi.json. */
export async function documentText(): Promise<string> {
  const gateway = await createGateway({
    servers: { demo: { name: 'Demo LysKOM', demo: true } },
    admin: { adminKey: 'the-key-of-the-operator' },
    compat: { compat: [...COMPAT_APIS], appKeys: [{ app: '*', key: 'the-key-of-applications' }] },
  })
  try {
    const response = await gateway.fetch(new Request('http://localhost/openapi.json'))
    if (response.status !== 200) throw new Error(`/openapi.json: ${response.status} ${await response.text()}`)
    return `${JSON.stringify(await response.json(), null, 2)}\n`
  } finally {
    await gateway.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(DOCUMENT, await documentText())
