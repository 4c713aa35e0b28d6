import { effect, type Signal, signal } from '@preact/signals'
import { readStored, writeStored } from './stored.ts'

/** The languages of the applications. */
export const LANGUAGES = ['en', 'sv'] as const
/** A language of the applications. */
export type Language = (typeof LANGUAGES)[number]
/** The themes; `auto` is that of the system. */
export const THEMES = ['auto', 'light', 'dark'] as const
/** A theme. */
export type Theme = (typeof THEMES)[number]

/** The language of the person, by default the first of the browser's languages that the applications have. */
export const language = stored<Language>('komgate.language', LANGUAGES, browserLanguage())
export const theme = stored<Theme>('komgate.theme', THEMES, 'auto')
/** Whether single keys are shortcuts. */
export const shortcuts = stored<'on' | 'off'>('komgate.shortcuts', ['on', 'off'], 'on')

/** Whether the person wants notifications of the system. */
export const notifications = stored<'on' | 'off'>('komgate.notifications', ['on', 'off'], 'off')

/** Keeps the document in the language and the theme of the person. */
export function applyPreferences(): void {
  effect(() => {
    document.documentElement.lang = language.value
    document.documentElement.dataset.theme = theme.value
  })
}

function browserLanguage(): Language {
  const known = navigator.languages.map((tag) => LANGUAGES.find((each) => tag.toLowerCase().startsWith(each)))
  return known.find((each) => each !== undefined) ?? 'en'
}

function stored<T extends string>(key: string, values: readonly T[], fallback: T): Signal<T> {
  const value = readStored<T>('localStorage', key)
  const preference = signal(value !== undefined && values.includes(value) ? value : fallback)
  let isFirst = true
  effect(() => {
    const { value: current } = preference
    if (!isFirst) writeStored('localStorage', key, current)
    isFirst = false
  })
  return preference
}
