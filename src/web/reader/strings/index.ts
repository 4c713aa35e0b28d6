import { computed } from '@preact/signals'
import { language } from '../../shared/preferences.ts'
import { en, type Strings } from './en.ts'
import { sv } from './sv.ts'

/** The texts of the reader by language. */
export const STRINGS = { en, sv } as const satisfies Record<typeof language.value, Strings>

/** The texts of the reader in the language of the person. */
export const t = computed<Strings>(() => STRINGS[language.value])
