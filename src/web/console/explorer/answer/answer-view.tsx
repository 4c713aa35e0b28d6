import './answer.css'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { language } from '../../../shared/preferences.ts'
import { sizeText } from '../../../shared/size.ts'
import type { Answer, AnswerHead } from '../send.ts'
import { JsonTree } from './json-tree.tsx'
import { t } from './strings.ts'

/** The length of text that is shown at first: a page with megabytes of text does not respond. */
const MAX_TEXT = 100_000
/** Images that browsers show; an SVG image is shown as text. */
const IMAGE = /^image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon)$/
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/

/** The status, headers and body of a response. */
export function AnswerView({ answer, name }: { answer: Answer; name: string }) {
  const { value } = language
  const { ms, body } = answer
  const time = `${ms.toLocaleString(value, { maximumFractionDigits: ms < 10 ? 1 : 0 })} ms`
  return (
    <>
      <Head head={answer}>
        {time}, {sizeText(body.size, value)}
      </Head>
      <BodyView answer={answer} name={name} />
    </>
  )
}

/** The status and the headers of a response. */
export function Head({ head, children }: { head: AnswerHead; children?: preact.ComponentChildren }) {
  const { status, statusText, headers } = head
  return (
    <>
      <p class="status">
        <strong class={status < 400 ? 'ok' : 'error'}>
          {status} {statusText}
        </strong>
        <span class="quiet">{children}</span>
      </p>
      <details>
        <summary>{t.value.headers(headers.length)}</summary>
        <dl class="headers">
          {headers.map(([field, value]) => (
            <div key={field}>
              <dt>{field}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
    </>
  )
}

function BodyView({ answer, name }: { answer: Answer; name: string }) {
  const strings = t.value
  const { type, body, text } = answer
  const [isRaw, setRaw] = useState(false)
  const url = useObjectUrl(body)
  const json = useMemo(() => (JSON_TYPE.test(type) && text !== undefined ? parsed(text) : undefined), [type, text])
  if (body.size === 0) return <p class="quiet">{strings.emptyBody}</p>
  return (
    <>
      <p class="actions">
        {json !== undefined && (
          <button type="button" onClick={() => setRaw(!isRaw)}>
            {isRaw ? strings.formatted : strings.asText}
          </button>
        )}
        {url !== undefined && (
          <a href={url} download={`${name}.${ending(type)}`}>
            {strings.download}
          </a>
        )}
      </p>
      {json !== undefined && !isRaw ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reachable by keyboard
        <section class="json" tabIndex={0} aria-label={strings.formatted}>
          <JsonTree value={json.value} />
        </section>
      ) : text !== undefined ? (
        <Text text={text} />
      ) : IMAGE.test(type) && url !== undefined ? (
        <img class="image" src={url} alt={strings.imageOf(type)} />
      ) : (
        <p>{strings.binary(type === '' ? '?' : type)}</p>
      )}
    </>
  )
}

function Text({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false)
  const isCut = text.length > MAX_TEXT && !isWhole
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reachable by keyboard */}
      <pre class="code" tabIndex={0}>
        {isCut ? text.slice(0, MAX_TEXT) : text}
      </pre>
      {isCut && (
        <button type="button" onClick={() => setWhole(true)}>
          {t.value.showAll(sizeText(text.length, language.value))}
        </button>
      )}
    </>
  )
}

/** Returns a URL of a body while the component shows it. */
function useObjectUrl(body: Blob): string | undefined {
  const [url, setUrl] = useState<string | undefined>()
  useEffect(() => {
    const made = URL.createObjectURL(body)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [body])
  return url
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** Returns the ending of a file name for a media type. */
function ending(type: string): string {
  if (type === 'text/plain') return 'txt'
  return /[\w]+$/.exec(type)?.[0] ?? 'bin'
}
