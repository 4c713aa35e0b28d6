import { useEffect, useState } from 'preact/hooks'
import type { Draft } from './drafts.ts'
import { t } from './strings.ts'

/** Discards a draft. The person is asked to confirm that if it has contents. */
export function DiscardButton({
  draft,
  isDisabled,
  onDiscard,
}: {
  draft: Draft
  isDisabled: boolean
  onDiscard: () => void
}) {
  const [isAsked, setAsked] = useState(false)
  const hasContents = draft.body.trim() !== '' || draft.images.length > 0
  useEffect(() => setAsked(false), [draft])
  return (
    <button
      type="button"
      disabled={isDisabled}
      onClick={() => (hasContents && !isAsked ? setAsked(true) : onDiscard())}
      onBlur={() => setAsked(false)}
    >
      {isAsked ? t.value.reallyDiscard : t.value.discard}
    </button>
  )
}
