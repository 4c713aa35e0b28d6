import type { Conference } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Reader } from '../reading/reader.ts'

/**
 * Returns a conference as it is now: its members are others after the person has joined or left it.
 *
 * @param loaded the conference as it was when the view was opened
 */
export function useCurrent(reader: Reader, loaded: Conference): Conference {
  const { conf_no } = loaded
  const [current, setCurrent] = useState(loaded)
  const isMember = reader.membership(conf_no) !== undefined
  const wasMember = useRef(isMember)
  useEffect(() => {
    if (wasMember.current === isMember) return
    wasMember.current = isMember
    reader.kom.conferences.get(conf_no, { micro: false }).then(
      setCurrent,
      // A conference that is secret cannot be read any more; it is shown as it was.
      () => undefined,
    )
  }, [reader, conf_no, isMember])
  return current
}
