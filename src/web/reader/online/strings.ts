import { translated } from '../../shared/translated.ts'

/** The sentences of the list of who is on. */
export const t = translated({
  en: {
    whoIsOn: 'Who is on',
    key: 'who is on',
    you: 'You',
    active: 'Active now',
    idle: (time: string) => `Idle for ${time}`,
    reads: 'in',
    sendMessage: 'Send a message',
    sendMessageTo: (name: string) => `Send a message to ${name}`,
    countActive: (count: number) => (count === 1 ? '1 session is active.' : `${count} sessions are active.`),
    inactive: (count: number) => (count === 1 ? '1 inactive session' : `${count} inactive sessions`),
    nobody: 'Nobody is active at the moment.',
    refresh: 'Update idle times',
  },
  sv: {
    whoIsOn: 'Vilka är inne',
    key: 'vilka är inne',
    you: 'Du',
    active: 'Aktiv nu',
    idle: (time) => `Inaktiv i ${time}`,
    reads: 'i',
    sendMessage: 'Skicka ett meddelande',
    sendMessageTo: (name) => `Skicka ett meddelande till ${name}`,
    countActive: (count) => (count === 1 ? '1 session är aktiv.' : `${count} sessioner är aktiva.`),
    inactive: (count) => (count === 1 ? '1 inaktiv session' : `${count} inaktiva sessioner`),
    nobody: 'Ingen är aktiv just nu.',
    refresh: 'Uppdatera tiderna',
  },
})
