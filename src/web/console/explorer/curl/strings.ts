import { translated } from '../../../shared/translated.ts'

/** The sentences about curl lines. */
export const t = translated({
  en: {
    curl: 'As a curl line',
    withSecrets: 'With secrets',
    copy: 'Copy',
    copied: 'Copied',
    variables: (names: string) => `Set these shell variables first: ${names}`,
    curlNeedsFields: 'The line appears when all fields are filled in.',
  },
  sv: {
    curl: 'Som en curl-rad',
    withSecrets: 'Med hemligheter',
    copy: 'Kopiera',
    copied: 'Kopierat',
    variables: (names: string) => `Sätt först dessa skalvariabler: ${names}`,
    curlNeedsFields: 'Raden visas när alla fält är ifyllda.',
  },
})
