import { errorText } from '../error-text.ts'
import { t } from '../strings/index.ts'

/** Why something has failed; nothing without an error. @param onRetry what its button does; none by default */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (error === undefined) return null
  return (
    <p class="error" role="alert">
      {errorText(error)}
      {onRetry && (
        <>
          {' '}
          <button type="button" onClick={onRetry}>
            {t.value.tryAgain}
          </button>
        </>
      )}
    </p>
  )
}
