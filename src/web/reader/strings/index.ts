import { translated } from '../../shared/translated.ts'
import { en } from './en.ts'
import { sv } from './sv.ts'

/** The sentences of the reader in the language of the person. */
export const t = translated({ en, sv })
