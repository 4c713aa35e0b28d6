/**
 * Returns the files that a paste adds to a draft. There are none if the browser has to insert the text of the paste: office
 * programs copy cells, passages and slides as text with a picture of it. The file managers of some systems copy a file
 * with its name as text.
 */
export function pastedFiles(data: Pick<DataTransfer, 'files' | 'getData'> | null): File[] {
  const files = [...(data?.files ?? [])]
  const text = data?.getData('text/plain').trim() ?? ''
  return text === '' || files.some(({ name }) => text.endsWith(name)) ? files : []
}
