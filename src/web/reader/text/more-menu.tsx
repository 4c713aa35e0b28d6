import type { Text } from 'komgate/client'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Reader } from '../reading/reader.ts'
import { copyLink, isMarked, toggleMark } from './actions.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import { RawDialog } from './raw-dialog.tsx'
import { RecipientsDialog } from './recipients-dialog.tsx'
import { t } from './strings.ts'

type Opened = 'recipients' | 'raw' | 'delete'

const ID = 'more-actions'

/** The rarer actions on a text: a button that opens a list of buttons. */
export function MoreMenu({ reader, text }: { reader: Reader; text: Text }) {
  const strings = t.value
  const [isOpen, setOpen] = useState(false)
  const [opened, setOpened] = useState<Opened>()
  const menu = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!isOpen) return
    const onPointerDown = ({ target }: PointerEvent): void => {
      if (!(target instanceof Node && menu.current?.contains(target))) setOpen(false)
    }
    addEventListener('pointerdown', onPointerDown)
    return () => removeEventListener('pointerdown', onPointerDown)
  }, [isOpen])
  const isOwn = text.author.pers_no !== 0 && text.author.pers_no === reader.state.value.person?.pers_no
  const items: [label: string, run: () => void][] = [
    [
      isMarked(reader, text.text_no) ? strings.unmark : strings.mark,
      () => {
        void toggleMark(reader, text.text_no)
        button.current?.focus()
      },
    ],
    [strings.recipients, () => setOpened('recipients')],
    [
      strings.copyLink,
      () => {
        void copyLink(reader, text.text_no)
        button.current?.focus()
      },
    ],
    [strings.raw, () => setOpened('raw')],
    ...(isOwn ? [[strings.delete, () => setOpened('delete')] as [string, () => void]] : []),
  ]
  const onClose = (): void => {
    setOpened(undefined)
    button.current?.focus()
  }
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape closes it wherever the focus is in it */}
      <div
        class="more"
        ref={menu}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || !isOpen) return
          event.preventDefault()
          setOpen(false)
          button.current?.focus()
        }}
      >
        <button type="button" ref={button} aria-expanded={isOpen} aria-controls={ID} onClick={() => setOpen(!isOpen)}>
          {strings.more}
        </button>
        <ul id={ID} hidden={!isOpen}>
          {items.map(([label, run], i) => (
            <li key={i}>
              <button
                type="button"
                class="plain"
                onClick={() => {
                  setOpen(false)
                  run()
                }}
              >
                {label}
              </button>
            </li>
          ))}
        </ul>
      </div>
      {opened === 'recipients' && <RecipientsDialog reader={reader} text={text} onClose={onClose} />}
      {opened === 'raw' && <RawDialog reader={reader} text={text} onClose={onClose} />}
      {opened === 'delete' && <DeleteDialog reader={reader} text={text} onClose={onClose} />}
    </>
  )
}
