import { translated } from '../../../shared/translated.ts'

/** The sentences about the answer to a request. */
export const t = translated({
  en: {
    sending: 'Waiting for the answer…',
    stopped: 'Stopped before an answer.',
    answer: 'Answer',
    noAnswer: 'The gateway did not answer.',
    headers: (count: number) => `${count} headers`,
    emptyBody: 'The answer has no body.',
    showAll: (size: string) => `Show all (${size})`,
    more: (count: number) => `Show ${count} more`,
    download: 'Download',
    binary: (type: string) => `Binary data, ${type}`,
    imageOf: (type: string) => `The image in the answer (${type})`,
    asText: 'As text',
    formatted: 'Formatted',
  },
  sv: {
    sending: 'Väntar på svaret…',
    stopped: 'Stoppad, utan svar.',
    answer: 'Svar',
    noAnswer: 'Gatewayen svarade inte.',
    headers: (count: number) => `${count} huvudfält`,
    emptyBody: 'Svaret har inget innehåll.',
    showAll: (size: string) => `Visa allt (${size})`,
    more: (count: number) => `Visa ${count} till`,
    download: 'Ladda ner',
    binary: (type: string) => `Binära data, ${type}`,
    imageOf: (type: string) => `Bilden i svaret (${type})`,
    asText: 'Som text',
    formatted: 'Formaterat',
  },
})
