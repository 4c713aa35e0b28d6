import { translated } from '../../shared/translated.ts'

/** The sentences of the thread. */
export const t = translated({
  en: {
    thread: 'Thread',
    close: 'Close',
    notLoaded: 'The thread could not be loaded.',
    textCount: (count: number) => (count === 1 ? '1 text' : `${count} texts`),
    before: (count: number) => (count === 1 ? '1 text above' : `${count} texts above`),
    after: (count: number) => (count === 1 ? '1 text below' : `${count} texts below`),
    key: 'to the thread',
  },
  sv: {
    thread: 'Tråd',
    close: 'Stäng',
    notLoaded: 'Tråden kunde inte hämtas.',
    textCount: (count) => `${count} inlägg`,
    before: (count) => `${count} inlägg ovanför`,
    after: (count) => `${count} inlägg nedanför`,
    key: 'till tråden',
  },
})
