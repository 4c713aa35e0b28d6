import { computed, type ReadonlySignal } from '@preact/signals'
import { type Language, language } from './preferences.ts'

/** Sentences by name: strings, and functions that return strings. */
type Sentences = Record<string, string | ((...args: never[]) => string)>

/** The same sentences in another language: none is missing, and functions have the same parameters. */
export type Translation<E extends Sentences> = { [K in keyof E]: E[K] extends string ? string : E[K] }

/** Returns sentences in the language of the person. The sentences of a view are in the file `strings.ts` of its folder. */
export function translated<E extends Sentences>(
  tables: { en: E } & Record<Exclude<Language, 'en'>, Translation<NoInfer<E>>>,
): ReadonlySignal<Translation<E>> {
  return computed(() => tables[language.value] as Translation<E>)
}
