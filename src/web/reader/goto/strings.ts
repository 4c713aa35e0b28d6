import { translated } from '../../shared/translated.ts'

/** The sentences for moving around. */
export const t = translated({
  en: {
    goTo: 'Go to',
    label: 'Text number, conference or person',
    matches: 'Matches',
    open: 'Open',
    cancel: 'Cancel',
    isMissing: 'Enter the number of a text, or the name of a conference or a person.',
    keyGoTo: 'go to a text, a conference or a person',
    keyDown: 'down in the list',
    keyUp: 'up in the list',
  },
  sv: {
    goTo: 'Gå till',
    label: 'Inläggsnummer, möte eller person',
    matches: 'Träffar',
    open: 'Öppna',
    cancel: 'Avbryt',
    isMissing: 'Skriv numret på ett inlägg, eller namnet på ett möte eller en person.',
    keyGoTo: 'gå till ett inlägg, ett möte eller en person',
    keyDown: 'ner i listan',
    keyUp: 'upp i listan',
  },
})
