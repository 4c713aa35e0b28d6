import { translated } from '../../../shared/translated.ts'

/** The sentences about streams of events and WebSockets. */
export const t = translated({
  en: {
    events: 'Events',
    noEvents: 'The stream is open. Events appear here when they happen.',
    streamHasEnded: 'The stream has ended.',
    dropped: (count: number) => `${count} earlier ones are not shown.`,
    connect: 'Connect',
    connecting: 'Connecting…',
    disconnect: 'Disconnect',
    message: 'Message in JSON',
    sendMessage: 'Send message',
    sent: 'sent',
    received: 'received',
    socketFailed: 'The WebSocket cannot be opened.',
    socketHasClosed: (code: number) => `The WebSocket is closed (code ${code}).`,
  },
  sv: {
    events: 'Händelser',
    noEvents: 'Strömmen är öppen. Händelser visas här när de inträffar.',
    streamHasEnded: 'Strömmen är slut.',
    dropped: (count: number) => `${count} tidigare visas inte.`,
    connect: 'Anslut',
    connecting: 'Ansluter…',
    disconnect: 'Koppla ner',
    message: 'Meddelande i JSON',
    sendMessage: 'Skicka meddelande',
    sent: 'skickat',
    received: 'mottaget',
    socketFailed: 'WebSocketen kan inte öppnas.',
    socketHasClosed: (code: number) => `WebSocketen är stängd (kod ${code}).`,
  },
})
