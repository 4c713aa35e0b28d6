import { translated } from '../../shared/translated.ts'

/** The sentences of fields for names. */
export const t = translated({
  en: {
    matches: (count: number) => (count === 1 ? '1 name matches' : `${count} names match`),
    nobody: 'No person or conference has that name.',
    notLatin: 'No name has these characters: names in LysKOM are written in ISO 8859-1 (Western European).',
    ambiguous: 'Several names match. Choose one of them.',
  },
  sv: {
    matches: (count) => (count === 1 ? '1 namn passar' : `${count} namn passar`),
    nobody: 'Det finns ingen person och inget möte med det namnet.',
    notLatin: 'Inget namn har de tecknen: namn i LysKOM skrivs i ISO 8859-1 (västeuropeiska tecken).',
    ambiguous: 'Flera namn passar. Välj ett av dem.',
  },
})
