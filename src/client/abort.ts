/** Calls `listener` with the reason when one of the signals aborts, or now. Returns a function that stops it. */
export function onAbort(
  signals: readonly (AbortSignal | undefined)[],
  listener: (reason: unknown) => void,
): () => void {
  // AbortSignal.any keeps memory for each use of a signal that lives long in Node 20.
  const stops = signals.map((signal) => {
    const notify = (): void => listener(signal?.reason)
    if (signal?.aborted) notify()
    else signal?.addEventListener('abort', notify)
    return () => signal?.removeEventListener('abort', notify)
  })
  return () => {
    for (const stop of stops) stop()
  }
}

/** Waits. @throws the reason of the first of the signals that aborts */
export function sleep(ms: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  let stop = (): void => undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  return new Promise<void>((resolve, reject) => {
    timer = setTimeout(resolve, ms)
    stop = onAbort(signals, reject)
  }).finally(() => {
    clearTimeout(timer)
    stop()
  })
}
