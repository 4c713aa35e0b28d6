import type { Action } from '../../shared/use-action.ts'
import { errorText } from '../error-text.ts'

/** Why an action has failed. */
export function ActionError({ action: { error } }: { action: Pick<Action, 'error'> }) {
  if (error === undefined) return null
  return (
    <p class="error" role="alert">
      {errorText(error)}
    </p>
  )
}
