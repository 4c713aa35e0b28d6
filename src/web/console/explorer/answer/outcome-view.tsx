import { StreamView } from '../stream/stream-view.tsx'
import { AnswerView } from './answer-view.tsx'
import { t } from './strings.ts'
import type { Sender } from './use-outcome.ts'

/** What became of the last request. @param name of the call or route */
export function OutcomeView({ sender: { outcome, endStream }, name }: { sender: Sender; name: string }) {
  const strings = t.value
  if (outcome.state === 'none') return null
  return (
    <section class="answer" aria-label={strings.answer} aria-busy={outcome.state === 'waiting'}>
      <h3>{strings.answer}</h3>
      {outcome.state === 'waiting' && <p role="status">{strings.sending}</p>}
      {outcome.state === 'stopped' && <p role="status">{strings.stopped}</p>}
      {outcome.state === 'failed' && (
        <p class="error" role="alert">
          {strings.noAnswer}
        </p>
      )}
      {outcome.state === 'answered' && <AnswerView key={outcome.answer.ms} answer={outcome.answer} name={name} />}
      {outcome.state === 'streaming' && <StreamView answer={outcome.answer} onEnd={endStream} />}
    </section>
  )
}
