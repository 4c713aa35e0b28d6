import { useEffect, useRef, useState } from 'preact/hooks'
import { language } from '../../shared/preferences.ts'
import { sizeText } from '../../shared/size.ts'
import type { DraftImage } from './drafts.ts'
import { type ComposeErrors, fileError } from './errors.ts'
import { base64Of, bytesOf, prepareImage } from './image.ts'
import { forgetImage, imageData, keepImage } from './image-store.ts'
import { exclusively } from './lock.ts'
import { newId } from './new-id.ts'
import { pastedFiles } from './pasted-files.ts'
import { preparation, prepareFor } from './preparation.ts'
import { t } from './strings.ts'

/** The images of a draft. They are added by a button, or by pasting and dropping files anywhere in the page. */
export function ImagesField({
  form,
  draftId,
  images,
  isSending,
  isWritten,
  errors,
  isRemoved,
  latest,
  onChange,
  onError,
}: {
  /** where images are pasted */
  form: { readonly current: HTMLFormElement | null }
  /** see `Drafts.idOf` */
  draftId: string
  images: readonly DraftImage[]
  isSending: boolean
  /** whether the text has been sent without some of them */
  isWritten: boolean
  errors: ComposeErrors
  /** returns whether another window of the browser has removed the draft */
  isRemoved: () => boolean
  /** returns the images of the draft now: one may have been removed while another was prepared */
  latest: () => readonly DraftImage[]
  onChange: (images: readonly DraftImage[]) => void
  onError: (message: string) => void
}) {
  const strings = t.value
  const isFixed = isSending || isWritten
  const input = useRef<HTMLInputElement>(null)
  const addButton = useRef<HTMLButtonElement>(null)
  const [notKept, setNotKept] = useState<ReadonlySet<string>>(new Set())

  const prepare = async (files: readonly File[]): Promise<string> => {
    const problems: string[] = []
    const wasRemoved = isRemoved()
    for (const file of files) {
      try {
        const image = await makeImage(file)
        if (!image.isKept) setNotKept((ids) => new Set([...ids, image.entry.id]))
        // A draft that is being sent, in another window for example, is changed afterwards.
        await exclusively(draftId, async () => {
          if (isRemoved() && !wasRemoved) forgetImage(image.entry.id)
          else onChange([...latest(), image.entry])
        })
      } catch (error) {
        problems.push(fileError(error, file.name))
      }
    }
    const message = problems.join(' ')
    if (message !== '') onError(message)
    return message
  }
  const add = (files: readonly File[]): void => {
    if (!isFixed && files.length > 0) void prepareFor(draftId, () => prepare(files))
  }
  const current = useRef(add)
  current.current = add
  useEffect(() => {
    const page = form.current
    const onPaste = (event: ClipboardEvent): void => {
      const files = pastedFiles(event.clipboardData)
      if (files.length === 0) return
      event.preventDefault()
      current.current(files)
    }
    // A file that is dropped beside the form would replace the page.
    const onDrag = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
    }
    const onDrop = (event: DragEvent): void => {
      onDrag(event)
      current.current([...(event.dataTransfer?.files ?? [])])
    }
    page?.addEventListener('paste', onPaste)
    addEventListener('dragover', onDrag)
    addEventListener('drop', onDrop)
    return () => {
      page?.removeEventListener('paste', onPaste)
      removeEventListener('dragover', onDrag)
      removeEventListener('drop', onDrop)
    }
  }, [form])

  const change = (id: string, name: string): void =>
    onChange(latest().map((each) => (each.id === id ? { ...each, name } : each)))
  const remove = (id: string): void => {
    forgetImage(id)
    onChange(latest().filter((each) => each.id !== id))
    // The button that had the focus is gone.
    addButton.current?.focus()
  }
  return (
    <div class="images-field">
      {images.length > 0 && (
        <ul aria-label={strings.images}>
          {images.map((image, i) => (
            <ImageRow
              key={image.id}
              image={image}
              n={i + 1}
              isSending={isSending}
              isFixed={isFixed}
              isNotKept={notKept.has(image.id)}
              error={errors.images?.[image.id]}
              onName={(name) => change(image.id, name)}
              onRemove={() => remove(image.id)}
            />
          ))}
        </ul>
      )}
      {!isWritten && (
        <p class="add-images">
          <button ref={addButton} type="button" disabled={isFixed} onClick={() => input.current?.click()}>
            {strings.addImages}
          </button>
          <span class="quiet">{strings.dropHint}</span>
        </p>
      )}
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        hidden
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])]
          // The same file can be chosen again.
          currentTarget.value = ''
          add(files)
        }}
      />
      <p class="quiet" role="status">
        {preparation(draftId) !== undefined && strings.preparing}
      </p>
      {errors.files !== undefined && (
        <p class="error" role="alert">
          {errors.files}
        </p>
      )}
    </div>
  )
}

function ImageRow({
  image,
  n,
  isSending,
  isFixed,
  isNotKept,
  error,
  onName,
  onRemove,
}: {
  image: DraftImage
  /** its place, from 1 */
  n: number
  isSending: boolean
  /** whether its description cannot be changed now */
  isFixed: boolean
  isNotKept: boolean
  error: string | undefined
  onName: (name: string) => void
  onRemove: () => void
}) {
  const strings = t.value
  const { id, name, size, originalSize, textNo } = image
  const url = usePreview(image)
  const data = imageData(id)
  const problem = error ?? (data === undefined && textNo === undefined ? strings.imageIsLost : undefined)
  const field = `image-${id}`
  return (
    <li>
      {url === undefined ? <span /> : <img src={url} alt={name} />}
      <div class="field">
        <label for={field}>{strings.imageName(n)}</label>
        <input
          id={field}
          type="text"
          maxLength={200}
          readOnly={isFixed}
          value={name}
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : `${field}-error`}
          onInput={({ currentTarget: { value } }) => onName(value)}
        />
        {problem !== undefined && (
          <p class="error" id={`${field}-error`} role="alert">
            {problem}
          </p>
        )}
        <p class="quiet">
          {textNo !== undefined
            ? strings.imageSent(textNo)
            : originalSize === undefined
              ? sizeText(size, language.value)
              : strings.imageReduced(sizeText(size, language.value), sizeText(originalSize, language.value))}
        </p>
        {isNotKept && textNo === undefined && <p class="quiet">{strings.imageNotKept}</p>}
      </div>
      {textNo === undefined && (
        <button type="button" class="plain" aria-label={strings.removeImage(n)} disabled={isSending} onClick={onRemove}>
          ×
        </button>
      )}
    </li>
  )
}

/** Makes an image of a draft from a file, and keeps its bytes. */
async function makeImage(file: File): Promise<{ entry: DraftImage; isKept: boolean }> {
  const { blob, isConverted } = await prepareImage(file)
  const id = newId()
  const entry: DraftImage = {
    id,
    name: nameOf(file),
    type: blob.type,
    size: blob.size,
    ...(isConverted && { originalSize: file.size }),
  }
  return { entry, isKept: keepImage(id, await base64Of(blob)) }
}

/** Returns the name of a file without its ending. Browsers call each pasted image `image.png`. */
function nameOf(file: File): string {
  const name = file.name.replace(/\.[^.]{1,5}$/, '').trim()
  return name === '' || name === 'image' ? t.value.defaultImageName : name.slice(0, 200)
}

function usePreview({ id, type, textNo }: DraftImage): string | undefined {
  const [url, setUrl] = useState<string>()
  const isSent = textNo !== undefined
  useEffect(() => {
    const data = imageData(id)
    if (data === undefined) return
    const created = URL.createObjectURL(new Blob([bytesOf(data)], { type }))
    setUrl(created)
    return () => URL.revokeObjectURL(created)
  }, [id, type, isSent])
  return url
}
