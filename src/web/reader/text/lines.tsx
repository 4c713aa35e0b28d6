import { fragmentOf } from '../address.ts'
import { t } from '../strings/index.ts'
import { type Block, blocksOf, partsOf } from './body-format.ts'

/** The number of lines from which a quotation is folded. */
const FOLDED_LINES = 6

/** A body in plain text. */
export function Lines({ server, body }: { server: string; body: string }) {
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
