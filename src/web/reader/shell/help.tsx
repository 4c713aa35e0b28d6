import { useEffect, useRef } from 'preact/hooks'
import { shortcuts } from '../../shared/preferences.ts'
import { t } from '../strings/index.ts'

/** A dialog that lists the keys. */
export function Help({ onClose }: { onClose: () => void }) {
  const strings = t.value
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const space = strings.spaceKey
  const keys: [keys: string[], joiner: string, meaning: string][] = [
    [[space, 'n'], strings.or, strings.keyNext],
    [[`Shift+${space}`, 'p'], strings.or, strings.keyBack],
    [['c'], '', strings.keyComment],
    [['r'], '', strings.keyRead],
    [['u'], '', strings.keyUnread],
    [['g', 'c'], strings.afterwards, strings.keyList],
    [['Ctrl+Enter'], '', strings.keySend],
    [['?'], '', strings.keyHelp],
    [['Esc'], '', strings.keyClose],
  ]
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}>
      <h2 id="help-title">{strings.keys}</h2>
      <dl>
        {keys.map(([names, joiner, meaning]) => (
          <div key={meaning}>
            <dt>
              {names.map((name, i) => (
                <span key={name}>
                  {i > 0 && ` ${joiner} `}
                  <kbd>{name}</kbd>
                </span>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={shortcuts.value === 'on'}
          onChange={({ currentTarget: { checked } }) => {
            shortcuts.value = checked ? 'on' : 'off'
          }}
        />
        {strings.useKeys}
      </label>
      <button type="button" class="primary" onClick={() => dialog.current?.close()}>
        {strings.close}
      </button>
    </dialog>
  )
}
