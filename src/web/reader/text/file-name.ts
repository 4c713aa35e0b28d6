import type { Text } from 'komgate/client'

/** The longest name that is looked for at the end of a subject, characters. */
const LONGEST = 100

/** Returns a name for the file: that of the subject if it looks like one. */
export function fileName({
  text_no,
  subject,
  content_type,
}: Pick<Text, 'text_no' | 'subject' | 'content_type'>): string {
  const [, name] = /([\w-][\w. -]*\.\w{1,5})\s*$/.exec((subject ?? '').slice(-LONGEST)) ?? []
  const [, ending = 'bin'] = /\/(?:x-)?([a-z0-9]+)/.exec(content_type) ?? []
  return name ?? `text-${text_no}.${ending}`
}
