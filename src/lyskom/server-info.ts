import type { ConferenceName } from './names.ts'
import type { LyskomSession } from './session.ts'

/** The version of the LysKOM server, its special conferences (null for none) and its message of the day. */
export interface ServerInfo {
  /** e.g. 20102 for version 2.1.2 */
  version: number
  confPresConf: ConferenceName | null
  persPresConf: ConferenceName | null
  motdConf: ConferenceName | null
  komNewsConf: ConferenceName | null
  /** text number of the message of the day; 0 for none */
  motdOfLyskom: number
}

/** Returns information about the LysKOM server. Two round trips, or one if the names are cached. */
export async function getServerInfo({ connection, names }: LyskomSession): Promise<ServerInfo> {
  const info = await connection.call('get-info')
  const named = await names.load([info.confPresConf, info.persPresConf, info.motdConf, info.komNewsConf])
  const orNull = (confNo: number): ConferenceName | null => (confNo === 0 ? null : named.conference(confNo))
  return {
    version: info.version,
    confPresConf: orNull(info.confPresConf),
    persPresConf: orNull(info.persPresConf),
    motdConf: orNull(info.motdConf),
    komNewsConf: orNull(info.komNewsConf),
    motdOfLyskom: info.motdOfLyskom,
  }
}
