import type { Text } from 'komgate/client'
import { Dialog } from '../../shared/dialog.tsx'
import { useAsync } from '../../shared/use-async.ts'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { t as common } from '../strings/index.ts'
import { t } from './strings.ts'

/** Shows a text as it is: its content type, its aux-items, and its body without any formatting. */
export function RawDialog({ reader, text, onClose }: { reader: Reader; text: Text; onClose: () => void }) {
  const strings = t.value
  const { text_no, content_type, subject, body } = text
  // A text has the aux-items alone that the gateway knows.
  const stat = useAsync(text_no, () => reader.kom.call('get-text-stat', { text_no }))
  return (
    <Dialog title={strings.rawTitle(text_no)} onClose={onClose}>
      {(close) => (
        <>
          <dl class="raw">
            <div>
              <dt>{strings.contentType}</dt>
              <dd>{content_type}</dd>
            </div>
            {stat.value?.aux_items.map(({ aux_no, tag, data }) => (
              <div key={aux_no}>
                <dt>{strings.auxItem(text.aux_items.find((each) => each.aux_no === aux_no)?.tag ?? tag)}</dt>
                <dd dir="auto">{typeof data === 'string' ? data : data.latin1}</dd>
              </div>
            ))}
          </dl>
          <Failure error={stat.error} />
          {body === undefined ? (
            <p>{strings.noText}</p>
          ) : (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by the keyboard
            <pre tabIndex={0}>{`${subject ?? ''}\n${body}`}</pre>
          )}
          <div class="actions">
            <button type="button" class="primary" onClick={close}>
              {common.value.close}
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
