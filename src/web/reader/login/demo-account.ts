import type { Kom } from 'komgate/client'

/** The account of the demo server that has unread texts; fixtures/demo.json defines it. */
export const DEMO = { persNo: 6, name: 'Demo Reader', password: 'demo' }

/** Returns whether a server is the demo server. */
export async function isDemoServer(kom: Kom): Promise<boolean> {
  const { conferences } = await kom.conferences.find(DEMO.name, { want_confs: false })
  return conferences.some(({ conf_no, name }) => conf_no === DEMO.persNo && name === DEMO.name)
}
