import { computed, type ReadonlySignal } from '@preact/signals'
import { plainText } from './plain-text.ts'
import { type Language, language } from './preferences.ts'

/** The longest words in a sentence, in characters. Names in LysKOM usually have at most 60. */
const MAX_WORDS = 300

/** Sentences by name: strings, and functions that return strings. */
type Sentences = Record<string, string | ((...args: never[]) => string)>

/** The same sentences in another language: none is missing, and functions have the same parameters. */
export type Translation<E extends Sentences> = { [K in keyof E]: E[K] extends string ? string : E[K] }

/** Returns sentences in the language of the person. The sentences of a view are in the file `strings.ts` of its folder. */
export function translated<E extends Sentences>(
  tables: { en: E } & Record<Exclude<Language, 'en'>, Translation<NoInfer<E>>>,
): ReadonlySignal<Translation<E>> {
  return computed(() => withPlainWords(tables[language.value] as Translation<E>))
}

/** Returns the same sentences; the words that they are given cannot change their direction, nor fill the page. */
function withPlainWords<S extends Sentences>(sentences: S): S {
  const entries = Object.entries(sentences).map(([name, sentence]) => {
    if (typeof sentence === 'string') return [name, sentence]
    return [name, (...args: unknown[]) => sentence(...(args.map(plainWord) as never[]))]
  })
  return Object.fromEntries(entries)
}

function plainWord(argument: unknown): unknown {
  if (typeof argument !== 'string') return argument
  const plain = plainText(argument)
  return plain.length > MAX_WORDS ? `${plain.slice(0, MAX_WORDS)}…` : plain
}
