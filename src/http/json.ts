/** LysKOM values as the public JSON: snake_case, the shapes of the httpkom API. */
import type { ConferenceName, PersonName } from '../lyskom/names.ts'
import type { ServerInfo } from '../lyskom/server-info.ts'

export function personJson({ persNo, name }: PersonName) {
  return { pers_no: persNo, pers_name: name }
}

export function conferenceNameJson({ confNo, name }: ConferenceName) {
  return { conf_no: confNo, name }
}

export function serverInfoJson(info: ServerInfo) {
  const named = (conference: ConferenceName | null) => conference && conferenceNameJson(conference)
  return {
    version: info.version,
    conf_pres_conf: named(info.confPresConf),
    pers_pres_conf: named(info.persPresConf),
    motd_conf: named(info.motdConf),
    kom_news_conf: named(info.komNewsConf),
    motd_of_lyskom: info.motdOfLyskom,
  }
}
