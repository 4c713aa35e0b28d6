import { translated } from '../../shared/translated.ts'

/** The sentences about the nodes of a cluster. */
export const t = translated({
  en: {
    nodes: 'Nodes',
    node: 'Node',
    slot: 'Ids begin with',
    sessions: 'Sessions',
    version: 'Version',
    started: 'Started',
    asked: 'answers this page',
    silent: 'Does not answer',
  },
  sv: {
    nodes: 'Noder',
    node: 'Nod',
    slot: 'Id börjar med',
    sessions: 'Sessioner',
    version: 'Version',
    started: 'Startad',
    asked: 'svarar på den här sidan',
    silent: 'Svarar inte',
  },
})
