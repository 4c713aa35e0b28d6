import type { Text } from 'komgate/client'
import { useEffect, useState } from 'preact/hooks'
import { useAsync } from '../../shared/use-async.ts'
import { fragmentOf } from '../address.ts'
import { errorText } from '../error-text.ts'
import type { Reader } from '../reading/reader.ts'
import { urlOfBody } from '../session/gateway.ts'
import { t } from '../strings/index.ts'
import { type Block, blocksOf, partsOf } from './body-format.ts'

/** The number of lines from which a quotation is folded. */
const FOLDED_LINES = 6

/** The contents of a text. Nothing of it runs, and nothing is loaded from elsewhere. */
export function Body({ reader, text }: { reader: Reader; text: Text }) {
  const { body, content_type } = text
  if (body === undefined) {
    return content_type.startsWith('image/') ? (
      <Picture reader={reader} text={text} />
    ) : (
      <File reader={reader} text={text} />
    )
  }
  return content_type === 'text/html' ? (
    <Page reader={reader} text={text} html={body} />
  ) : (
    <Lines server={reader.server} body={body} />
  )
}

function Lines({ server, body }: { server: string; body: string }) {
  const blocks = blocksOf(body)
  if (blocks.length === 0) return <p class="quiet">{t.value.emptyBody}</p>
  return (
    <>
      {blocks.map((block, i) => (
        <BlockView key={i} server={server} block={block} />
      ))}
    </>
  )
}

function BlockView({ server, block: { kind, lines } }: { server: string; block: Block }) {
  const content = lines.map((line, i) => (
    <span key={i} class="line" dir="auto">
      <Line server={server} line={line} />
      {'\n'}
    </span>
  ))
  if (kind === 'fixed') {
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by the keyboard
      <pre tabIndex={0}>{content}</pre>
    )
  }
  if (kind !== 'quote') return <p class={kind}>{content}</p>
  const quote = <blockquote>{content}</blockquote>
  if (lines.length < FOLDED_LINES) return quote
  return (
    <details>
      <summary>{t.value.quote(lines.length)}</summary>
      {quote}
    </details>
  )
}

function Line({ server, line }: { server: string; line: string }) {
  return (
    <>
      {partsOf(line).map((part, i) => {
        if ('textNo' in part) {
          return (
            <a key={i} href={fragmentOf(server, 'texts', part.textNo)}>
              {part.text}
            </a>
          )
        }
        if (!('href' in part)) return part.text
        return (
          <a key={i} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            {part.text}
          </a>
        )
      })}
    </>
  )
}

/** A text in HTML: its words, and a link to the page that the gateway serves in a sandbox. */
function Page({ reader, text, html }: { reader: Reader; text: Text; html: string }) {
  const strings = t.value
  const open = async (): Promise<void> => {
    const page = window.open('', '_blank')
    const url = await urlOfBody(reader.kom, reader.server, text.text_no)
    if (page === null) return
    page.opener = null
    page.location.replace(url)
  }
  return (
    <>
      <Action note={strings.htmlAsText} label={strings.openPage} run={open} />
      <Lines server={reader.server} body={wordsOf(html)} />
    </>
  )
}

/** Returns the words of HTML. Scripts of the parsed document do not run, and its images are not loaded. */
function wordsOf(html: string): string {
  const page = new DOMParser().parseFromString(html, 'text/html')
  for (const element of page.querySelectorAll('script, style, template, noscript')) element.remove()
  for (const element of page.querySelectorAll('br')) element.append('\n')
  for (const element of page.querySelectorAll('p, div, h1, h2, h3, h4, h5, h6, ul, ol, table, pre, blockquote')) {
    element.append('\n\n')
  }
  for (const element of page.querySelectorAll('li')) element.prepend('• ')
  return (page.body.textContent ?? '').replace(/[^\S\n]*\n[^\S\n]*/g, '\n').replace(/\n{3,}/g, '\n\n')
}

function Picture({ reader, text }: { reader: Reader; text: Text }) {
  const strings = t.value
  const { value, error } = useAsync(text.text_no, () => reader.kom.texts.body(text.text_no))
  const url = useObjectUrl(value)
  if (error !== undefined) return <Failure error={error} />
  return url === undefined ? null : <img class="picture" src={url} alt={strings.imageOf(text.subject ?? '')} />
}

function File({ reader, text }: { reader: Reader; text: Text }) {
  const strings = t.value
  const download = async (): Promise<void> => {
    const url = URL.createObjectURL(await reader.kom.texts.body(text.text_no))
    const link = document.createElement('a')
    link.href = url
    link.download = `text-${text.text_no}`
    link.click()
    // The browser reads the URL after the click.
    setTimeout(() => URL.revokeObjectURL(url), 60_000)
  }
  return <Action note={strings.otherContent(text.content_type)} label={strings.download} run={download} />
}

/** A sentence with a button, and the error of what the button does. */
function Action({ note, label, run }: { note: string; label: string; run: () => Promise<void> }) {
  const [error, setError] = useState<unknown>()
  return (
    <>
      <p class="note">
        <span>{note}</span>
        <button type="button" onClick={() => void run().catch(setError)}>
          {label}
        </button>
      </p>
      {error !== undefined && <Failure error={error} />}
    </>
  )
}

function Failure({ error }: { error: unknown }) {
  return (
    <p class="error" role="alert">
      {errorText(error)}
    </p>
  )
}

function useObjectUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    if (blob === undefined) return
    const created = URL.createObjectURL(blob)
    setUrl(created)
    return () => URL.revokeObjectURL(created)
  }, [blob])
  return url
}
