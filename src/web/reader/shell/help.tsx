import { useLayoutEffect, useRef } from 'preact/hooks'

import { t } from '../strings/index.ts'
import { COMMANDS } from './commands.ts'
import { ShortcutsSwitch } from './shortcuts-switch.tsx'

/** A dialog that lists the keys. */
export function Help({ onClose }: { onClose: () => void }) {
  const strings = t.value
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => dialog.current?.showModal(), [])
  const lines = [
    ...COMMANDS.map(({ keys, meaning }) => ({ keys, meaning: meaning() })),
    { keys: ['Ctrl+Enter'], meaning: strings.keySend },
    { keys: ['Esc'], meaning: strings.keyClose },
  ]
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}>
      <h2 id="help-title">{strings.keys}</h2>
      <dl>
        {lines.map(({ keys, meaning }) => (
          <div key={meaning}>
            <dt>
              {keys.map((sequence, i) => (
                <span key={sequence}>
                  {i > 0 && ` ${strings.or} `}
                  <Keys sequence={sequence} />
                </span>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <ShortcutsSwitch />
      <button type="button" class="primary" onClick={() => dialog.current?.close()}>
        {strings.close}
      </button>
    </dialog>
  )
}

function Keys({ sequence }: { sequence: string }) {
  const strings = t.value
  return (
    <>
      {sequence.split(' ').map((key, i) => (
        <span key={key}>
          {i > 0 && ` ${strings.afterwards} `}
          <kbd>{key.replace('Space', strings.spaceKey)}</kbd>
        </span>
      ))}
    </>
  )
}
