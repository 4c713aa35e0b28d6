import type { Text } from 'komgate/client'
import { useMemo, useState } from 'preact/hooks'
import { plainText } from '../../shared/plain-text.ts'
import type { Reader } from '../reading/reader.ts'
import { urlOfBody } from '../session/gateway.ts'
import { t as common } from '../strings/index.ts'
import { Action } from './body-parts.tsx'
import { Lines } from './lines.tsx'
import { t } from './strings.ts'
import { tidyLines } from './tidy-lines.ts'

/** A text in HTML: its words, or the page in a frame in which nothing runs and nothing is loaded. */
export function HtmlPage({ reader, text, html }: { reader: Reader; text: Text; html: string }) {
  const strings = t.value
  const [url, setUrl] = useState<string>()
  const words = useMemo(() => wordsOf(html), [html])
  const show = async (): Promise<void> => setUrl(await urlOfBody(reader.kom, reader.server, text.text_no))
  if (url === undefined) {
    return (
      <>
        <Action note={common.value.htmlAsText} label={strings.showLayout} run={show} />
        <Lines server={reader.server} body={words} />
      </>
    )
  }
  return (
    <>
      <p class="note">
        <button type="button" onClick={() => setUrl(undefined)}>
          {strings.showWords}
        </button>
      </p>
      {/* The attribute has no value: nothing is allowed. */}
      <iframe class="page" sandbox="" src={url} title={strings.pageOf(plainText(text.subject ?? ''))} />
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
  for (const element of page.querySelectorAll('li, tr')) element.append('\n')
  for (const element of page.querySelectorAll('td, th')) element.append(' ')
  return tidyLines(page.body.textContent ?? '')
}
