import { type Kom, SessionLostError } from 'komgate/client'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import { openSession } from '../session/gateway.ts'

/** Calls a function with a session of the server. */
export type WithSession = <T>(use: (kom: Kom) => Promise<T>) => Promise<T>

/**
 * Returns a function that calls another one with a session of a server. The session is opened when it is first needed,
 * and once more when it has been lost. It is closed with the form, unless a person has logged in.
 */
export function useSession(server: string): WithSession {
  const opened = useRef<Promise<Kom> | undefined>(undefined)
  useEffect(
    () => () => {
      const { current } = opened
      opened.current = undefined
      current
        ?.then(async (kom) => {
          const { person } = await kom.whoAmI()
          if (person === null) await kom.close()
        })
        // The gateway closes it when it is idle.
        .catch(() => undefined)
    },
    [server],
  )
  return useCallback(
    async (use) => {
      const open = (): Promise<Kom> => {
        const session = openSession(server)
        opened.current = session
        session.catch(() => {
          if (opened.current === session) opened.current = undefined
        })
        return session
      }
      try {
        return await use(await (opened.current ?? open()))
      } catch (error) {
        if (!(error instanceof SessionLostError)) throw error
        return await use(await open())
      }
    },
    [server],
  )
}
