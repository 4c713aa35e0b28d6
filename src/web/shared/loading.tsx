import { t } from './strings.ts'

/** Appears after a while, so that a quick answer does not flicker. */
export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">{t.value.loading}</span>
      <span class="bar" />
      <span class="bar" />
      <span class="bar" />
    </div>
  )
}
