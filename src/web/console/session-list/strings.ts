import { translated } from '../../shared/translated.ts'

/** The sentences about sessions. */
export const t = translated({
  en: {
    filter: 'Filter',
    filterHint: 'Words of any column',
    server: 'Server',
    pers_no: 'Person',
    client: 'Client',
    address: 'Address',
    idle: 'Idle',
    lease: 'Ends in',
    calls: 'Calls',
    handle: 'Handle',
    actions: 'Actions',
    sessions: 'Sessions',
    anonymous: 'Anonymous',
    person: (no: number) => `Person ${no}`,
    whileOpen: 'a stream is open',
    count: (shown: number, all: number) =>
      shown === all
        ? `${all === 1 ? '1 session' : `${all.toLocaleString('en')} sessions`}`
        : `${shown.toLocaleString('en')} of ${all.toLocaleString('en')} sessions`,
    noSessions: 'No client has a session.',
    noMatch: 'No session matches.',
    page: (page: number, pages: number) => `Page ${page} of ${pages}`,
    previous: 'Previous',
    next: 'Next',
    pages: 'Pages',
    trace: 'Trace',
    end: 'End',
    endThis: (handle: string) => `End session ${handle}`,
    traceThis: (handle: string) => `Trace session ${handle}`,
    askEnd: (who: string) => `End the session of ${who}? Its client has to open a new one.`,
    endAll: (count: number) => (count === 1 ? 'End this session' : `End all ${count} sessions`),
    askEndAll: (count: number, no: number, server: string) =>
      `End ${count === 1 ? 'the session' : `all ${count} sessions`} of person ${no} on ${server}?`,
    ofPerson: (no: number, server: string) => `Sessions of person ${no} on ${server}`,
    allSessions: 'All sessions',
  },
  sv: {
    filter: 'Filter',
    filterHint: 'Ord ur vilken kolumn som helst',
    server: 'Server',
    pers_no: 'Person',
    client: 'Klient',
    address: 'Adress',
    idle: 'Overksam',
    lease: 'Avslutas om',
    calls: 'Anrop',
    handle: 'Beteckning',
    actions: 'Åtgärder',
    sessions: 'Sessioner',
    anonymous: 'Anonym',
    person: (no: number) => `Person ${no}`,
    whileOpen: 'en ström är öppen',
    count: (shown: number, all: number) =>
      shown === all
        ? `${all === 1 ? '1 session' : `${all.toLocaleString('sv')} sessioner`}`
        : `${shown.toLocaleString('sv')} av ${all.toLocaleString('sv')} sessioner`,
    noSessions: 'Ingen klient har någon session.',
    noMatch: 'Ingen session passar.',
    page: (page: number, pages: number) => `Sida ${page} av ${pages}`,
    previous: 'Föregående',
    next: 'Nästa',
    pages: 'Sidor',
    trace: 'Spåra',
    end: 'Avsluta',
    endThis: (handle: string) => `Avsluta session ${handle}`,
    traceThis: (handle: string) => `Spåra session ${handle}`,
    askEnd: (who: string) => `Avsluta sessionen för ${who}? Klienten måste öppna en ny.`,
    endAll: (count: number) => (count === 1 ? 'Avsluta sessionen' : `Avsluta alla ${count} sessioner`),
    askEndAll: (count: number, no: number, server: string) =>
      `Avsluta ${count === 1 ? 'sessionen' : `alla ${count} sessioner`} för person ${no} på ${server}?`,
    ofPerson: (no: number, server: string) => `Sessioner för person ${no} på ${server}`,
    allSessions: 'Alla sessioner',
  },
})
