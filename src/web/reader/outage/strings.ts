import { translated } from '../../shared/translated.ts'

/** The sentences about outages. */
export const t = translated({
  en: {
    device: 'This device is offline. The page goes on by itself when it is online again.',
    gateway: 'The connection is interrupted. Trying again…',
    lyskom: 'The LysKOM server does not answer. Trying again…',
    nothingIsLost: 'What you have written is kept on this device.',
  },
  sv: {
    device: 'Enheten är inte uppkopplad. Sidan fortsätter av sig själv när den är det igen.',
    gateway: 'Förbindelsen är bruten. Försöker igen…',
    lyskom: 'LysKOM-servern svarar inte. Försöker igen…',
    nothingIsLost: 'Det du har skrivit finns kvar på den här enheten.',
  },
})
