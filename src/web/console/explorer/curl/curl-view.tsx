import { useState } from 'preact/hooks'
import type { BuiltRequest } from '../request.ts'
import type { Secrets } from '../send.ts'
import { curlLine, variablesOf } from './curl.ts'
import { t } from './strings.ts'

/** A request as a curl line, with shell variables for secrets unless the person asks for them. */
export function CurlView({
  request,
  base,
  secrets,
  isStream,
}: {
  /** undefined while a field has to be changed */
  request: BuiltRequest | undefined
  base: URL
  secrets: Secrets
  isStream: boolean
}) {
  const strings = t.value
  const [areShown, setShown] = useState(false)
  const [isCopied, setCopied] = useState(false)
  const command = request && curlLine(request, { base: base.href, secrets: areShown ? secrets : undefined, isStream })
  const variables = command === undefined ? [] : variablesOf(command)
  return (
    <section class="curl" aria-label={strings.curl}>
      <h3>{strings.curl}</h3>
      {command === undefined ? (
        <p class="quiet">{strings.curlNeedsFields}</p>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reachable by keyboard */}
          <pre class="code" tabIndex={0}>
            {command}
          </pre>
          {variables.length > 0 && <p class="quiet">{strings.variables(variables.join(', '))}</p>}
          <div class="actions">
            <label class="check">
              <input
                type="checkbox"
                checked={areShown}
                onChange={({ currentTarget }) => setShown(currentTarget.checked)}
              />
              {strings.withSecrets}
            </label>
            {/* Browsers have a clipboard on pages that came over TLS or from this machine. */}
            {'clipboard' in navigator && (
              <button
                type="button"
                onClick={() => {
                  navigator.clipboard.writeText(command).then(
                    () => setCopied(true),
                    () => setCopied(false),
                  )
                }}
                onBlur={() => setCopied(false)}
              >
                {isCopied ? strings.copied : strings.copy}
              </button>
            )}
          </div>
        </>
      )}
    </section>
  )
}
