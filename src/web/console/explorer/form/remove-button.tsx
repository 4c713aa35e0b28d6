import { t } from './strings.ts'

/** A button that leaves a value out, if that is possible. */
export function RemoveButton({ label, onRemove }: { label: string; onRemove: (() => void) | undefined }) {
  if (onRemove === undefined) return null
  return (
    <button type="button" class="plain" aria-label={t.value.remove(label)} onClick={onRemove}>
      {t.value.removeShort}
    </button>
  )
}
