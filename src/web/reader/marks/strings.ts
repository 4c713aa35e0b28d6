import { translated } from '../../shared/translated.ts'

/** The sentences of the marked texts. */
export const t = translated({
  en: {
    marks: 'Marked texts',
    none: 'You have marked no texts. Press m on a text to mark it, and find it here again.',
    hidden: (no: number) => `Text ${no}, which has been deleted, or which you may not read`,
    unmark: 'Remove the mark',
    unmarkText: (no: number) => `Remove the mark on text ${no}`,
    more: 'More marked texts',
    keyMark: 'mark the text, or remove its mark',
    keyMarks: 'to the marked texts',
  },
  sv: {
    marks: 'Markerade inlägg',
    none: 'Du har inte markerat några inlägg. Tryck m på ett inlägg för att markera det, så finns det här.',
    hidden: (no) => `Inlägg ${no}, som har tagits bort eller som du inte får läsa`,
    unmark: 'Ta bort markeringen',
    unmarkText: (no) => `Ta bort markeringen på inlägg ${no}`,
    more: 'Fler markerade inlägg',
    keyMark: 'markera inlägget, eller ta bort markeringen',
    keyMarks: 'till markerade inlägg',
  },
})
