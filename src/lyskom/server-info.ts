import type { ConferenceName } from './names.ts'
import type { LyskomSession } from './session.ts'

export interface ServerInfo {
  version: number
  confPresConf: ConferenceName | null
  persPresConf: ConferenceName | null
  motdConf: ConferenceName | null
  komNewsConf: ConferenceName | null
  /** a text number, 0 for none */
  motdOfLyskom: number
}

/** What the server says of itself. Two round trips, one once the names are known. */
export async function getServerInfo({ connection, names }: LyskomSession): Promise<ServerInfo> {
  const info = await connection.call('get-info')
  const named = (confNo: number): Promise<ConferenceName | null> =>
    confNo === 0 ? Promise.resolve(null) : names.conference(confNo)
  const [confPresConf, persPresConf, motdConf, komNewsConf] = await Promise.all([
    named(info.confPresConf),
    named(info.persPresConf),
    named(info.motdConf),
    named(info.komNewsConf),
  ])
  const { version, motdOfLyskom } = info
  return { version, confPresConf, persPresConf, motdConf, komNewsConf, motdOfLyskom }
}
