import { translated } from '../../shared/translated.ts'

/** The sentences about LysKOM servers. */
export const t = translated({
  en: {
    server: 'Server',
    address: 'Address',
    state: 'State',
    sessions: 'Sessions',
    up: 'Up',
    down: 'Down',
    unknown: 'Unknown',
    since: 'since',
    lastError: 'Last failed attempt',
    noServers: 'The gateway has no LysKOM server.',
  },
  sv: {
    server: 'Server',
    address: 'Adress',
    state: 'Läge',
    sessions: 'Sessioner',
    up: 'Uppe',
    down: 'Nere',
    unknown: 'Okänt',
    since: 'sedan',
    lastError: 'Senaste misslyckade försök',
    noServers: 'Gatewayen har ingen LysKOM-server.',
  },
})
