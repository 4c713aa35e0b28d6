import { useEffect, useState } from 'preact/hooks'
import { Presence, type PresenceSource } from './presence.ts'

/** Follows who is on while a view is shown. @param persNo the person who is followed. Default: all */
export function usePresence(source: PresenceSource, persNo?: number): Presence | undefined {
  const [presence, setPresence] = useState<Presence>()
  useEffect(() => {
    const followed = new Presence(source, persNo)
    setPresence(followed)
    return () => followed.close()
  }, [source, persNo])
  return presence
}
