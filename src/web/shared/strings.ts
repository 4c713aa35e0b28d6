import { translated } from './translated.ts'

/** The sentences that the applications share. */
export const t = translated({
  en: {
    language: 'Language',
    colours: 'Colours',
    coloursAuto: 'System',
    coloursLight: 'Light',
    coloursDark: 'Dark',
    loading: 'Loading…',
  },
  sv: {
    language: 'Språk',
    colours: 'Färger',
    coloursAuto: 'System',
    coloursLight: 'Ljusa',
    coloursDark: 'Mörka',
    loading: 'Hämtar…',
  },
})
