import { translated } from '../shared/translated.ts'

/** The sentences of the frame of the console, and of errors in all views. */
export const t = translated({
  en: {
    console: 'komgate console',
    views: 'Views',
    servers: 'Servers',
    sessions: 'Sessions',
    figures: 'Figures',
    settings: 'Settings',
    explorer: 'Explorer',
    logOut: 'Log out',
    away: 'The gateway does not respond. This page tries again until it does.',
    tooMany: (seconds: number | undefined) =>
      seconds === undefined ? 'Too many attempts. Try again later.' : `Too many attempts. Try again in ${seconds} s.`,
    silentNodes: (urls: string) => `Not complete: no answer from ${urls}.`,
    unknownNodes: 'Not complete: Redis does not answer, so that the other nodes are not known.',
    cancel: 'Cancel',
    failed: (message: string) => `The gateway refused the request: ${message}`,
  },
  sv: {
    console: 'komgate-konsol',
    views: 'Vyer',
    servers: 'Servrar',
    sessions: 'Sessioner',
    figures: 'Mätvärden',
    settings: 'Inställningar',
    explorer: 'API-utforskare',
    logOut: 'Logga ut',
    away: 'Gatewayen svarar inte. Sidan försöker igen tills den gör det.',
    tooMany: (seconds: number | undefined) =>
      seconds === undefined
        ? 'För många försök. Försök igen senare.'
        : `För många försök. Försök igen om ${seconds} s.`,
    silentNodes: (urls: string) => `Inte fullständigt: inget svar från ${urls}.`,
    unknownNodes: 'Inte fullständigt: Redis svarar inte, så att de andra noderna inte är kända.',
    cancel: 'Avbryt',
    failed: (message: string) => `Gatewayen avvisade begäran: ${message}`,
  },
})
