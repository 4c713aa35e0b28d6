import { translated } from '../../shared/translated.ts'

/** The sentences of notifications. */
export const t = translated({
  en: {
    wanted: 'Notify me of letters and messages',
    blocked: 'The browser blocks notifications of this page. Its settings allow them.',
    letterFrom: (name: string) => (name === '' ? 'Anonymous letter' : `Letter from ${name}`),
    messageFrom: (name: string) => `Message from ${name}`,
  },
  sv: {
    wanted: 'Avisera mig om brev och meddelanden',
    blocked: 'Webbläsaren blockerar aviseringar från den här sidan. De kan tillåtas i dess inställningar.',
    letterFrom: (name) => (name === '' ? 'Anonymt brev' : `Brev från ${name}`),
    messageFrom: (name) => `Meddelande från ${name}`,
  },
})
