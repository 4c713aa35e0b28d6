import { useEffect, useState } from 'preact/hooks'
import { EventParser } from '../../../../client/event-parser.ts'
import { Head } from '../answer/answer-view.tsx'
import type { StreamAnswer } from '../send.ts'
import { LogList, type LogRow, useLog } from './log-list.tsx'
import { t } from './strings.ts'

/** The events of a stream as they arrive. */
export function StreamView({ answer, onEnd }: { answer: StreamAnswer; onEnd: () => void }) {
  const strings = t.value
  const { rows, dropped, add } = useLog()
  const [hasEnded, setEnded] = useState(false)
  useEffect(() => {
    const parser = new EventParser()
    const reader = answer.stream
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .getReader()
    let isShown = true
    const read = async (): Promise<void> => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done || !isShown) return
        add(
          parser
            .feed(value)
            .filter(({ data }) => data !== undefined)
            .map(({ id = '', data = '' }): Omit<LogRow, 'key'> => ({ label: id, text: data })),
        )
      }
    }
    // A stream that is stopped ends with an error.
    void read()
      .catch(() => undefined)
      .then(() => {
        if (!isShown) return
        setEnded(true)
        onEnd()
      })
    return () => {
      isShown = false
      reader.cancel().catch(() => undefined)
    }
  }, [answer])
  return (
    <>
      <Head head={answer} />
      <LogList label={strings.events} rows={rows} dropped={dropped} />
      <p class="quiet" role="status">
        {hasEnded ? strings.streamHasEnded : rows.length === 0 && strings.noEvents}
      </p>
    </>
  )
}
