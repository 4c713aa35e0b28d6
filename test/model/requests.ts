import { AUX_ITEMS } from '../../src/protocol/aux-items.ts'
import type { CallName } from '../../src/protocol/calls/index.ts'
import type { Kind, Step } from './steps.ts'

/** A request in two forms: by a route of its own, and as a call of Protocol A. Some have only one of them. */
export interface Request {
  route?: { method: string; path: string; json?: unknown }
  call?: { name: CallName; params: Record<string, unknown> }
  /** the link that it makes; without `text_no` it is that of the text that is created */
  link?: Omit<Link, 'text_no'> & Partial<Link>
}

/** A text is a comment on another one, or a footnote to it. */
export interface Link {
  type: 'comment' | 'footnote'
  text_no: number
  to: number
}

const NO_LINK: Link = { type: 'comment', text_no: 1, to: 1 }

/** What the numbers of a step select from. */
export interface Selection {
  /** number of the person of the session */
  self: number
  persons: readonly number[]
  conferences: readonly number[]
  /** numbers of the texts written so far; 1 stands for none */
  texts: readonly number[]
  /** the links made so far */
  links: readonly Link[]
  /** begins the names of a run, so that they are unique */
  prefix: string
  passwdOf: (persNo: number) => string
}

/** Local text numbers to choose from. */
const LOCALS = 8
const RECIPIENTS = ['recpt', 'cc_recpt', 'bcc_recpt'] as const
const ROUTE_RECIPIENTS = { recpt: 'to', cc_recpt: 'cc', bcc_recpt: 'bcc' } as const

/** Returns the request that a step makes. */
export function requestOf({ kind, a, b, c }: Step, selection: Selection): Request {
  const { self, persons, conferences, texts, links, prefix } = selection
  const of = (list: readonly number[], n: number): number => list[n % list.length] ?? 1
  const local = (n: number) => 1 + (n % LOCALS)
  // The letterboxes of the persons are conferences as well.
  const recipient = (n: number) => of([...conferences, ...persons], n)
  const text = (n: number) => of(texts, texts.length - 1 - (n % Math.max(1, texts.length)))
  const recipientType = RECIPIENTS[c % 3] ?? 'recpt'
  const aux = { tag: AUX_ITEMS['fast-reply'], flags: {}, inherit_limit: 0, data: `reply ${b}` }
  const member = (pers_no: number, conf_no: number): Request => ({
    route: {
      method: 'PUT',
      path: `/persons/${pers_no}/memberships/${conf_no}`,
      json: { priority: b * 8, where: c % 4 },
    },
    call: {
      name: 'add-member',
      params: { pers_no, conf_no, priority: b * 8, where: c % 4, type: { passive: b % 4 === 1, secret: b % 8 === 2 } },
    },
  })
  const noMember = (pers_no: number, conf_no: number): Request => ({
    route: { method: 'DELETE', path: `/persons/${pers_no}/memberships/${conf_no}` },
    call: { name: 'sub-member', params: { pers_no, conf_no } },
  })
  const newText = (type?: Link['type']): Request => {
    const comment_to_list = type === undefined ? [] : [{ type, text_no: text(b) }]
    const recipients = [
      { type: 'recpt' as const, no: recipient(a) },
      ...(c % 3 === 0 ? [{ type: recipientType, no: recipient(b) }] : []),
    ]
    return {
      ...(type !== undefined && { link: { type, to: text(b) } }),
      route: {
        method: 'POST',
        path: '/texts/',
        json: {
          subject: `${a}`,
          body: `${b}`,
          content_type: 'text/plain',
          recipient_list: recipients.map(({ type, no }) => ({ type: ROUTE_RECIPIENTS[type], recpt: { conf_no: no } })),
          comment_to_list,
        },
      },
      call: {
        name: 'create-text',
        params: {
          text: `${a}\n${b}`,
          misc_info: [
            ...recipients.map(({ type, no }) => ({ kind: type, value: no })),
            ...comment_to_list.map(({ type, text_no }) => ({
              kind: type === 'comment' ? 'comm_to' : 'footn_to',
              value: text_no,
            })),
          ],
          aux_items: [],
        },
      },
    }
  }
  const requests: Record<Kind, () => Request> = {
    write: () => newText(),
    comment: () => newText('comment'),
    footnote: () => newText('footnote'),
    'delete-text': () => ({ call: { name: 'delete-text', params: { text: text(a) } } }),
    'add-recipient': () => ({
      call: { name: 'add-recipient', params: { text_no: text(a), conf_no: recipient(b), recpt_type: recipientType } },
    }),
    'sub-recipient': () => ({ call: { name: 'sub-recipient', params: { text_no: text(a), conf_no: recipient(b) } } }),
    'change-aux-items': () => ({
      call: {
        name: 'modify-text-info',
        params: { text: text(a), delete: c % 3 === 0 ? [1 + (b % 3)] : [], add: [aux] },
      },
    }),
    'read-text': () => ({
      route: { method: 'PUT', path: `/texts/${text(a)}/read-marking` },
      call: { name: 'mark-as-read', params: { conference: recipient(a), text: [local(b)] } },
    }),
    'read-locals': () => ({
      route: { method: 'PUT', path: `/conferences/${recipient(a)}/texts/${local(b)}/read-marking` },
      call: { name: 'mark-as-read', params: { conference: recipient(a), text: [local(b), local(c)] } },
    }),
    'unread-text': () => ({
      route: { method: 'DELETE', path: `/texts/${text(a)}/read-marking` },
      call: { name: 'mark-as-unread', params: { conference: recipient(a), text: local(b) } },
    }),
    'set-unread': () => ({
      route: {
        method: 'POST',
        path: `/persons/current/memberships/${recipient(a)}/unread`,
        json: { no_of_unread: b % 6 },
      },
      call: { name: 'set-unread', params: { conf_no: recipient(a), no_of_unread: b % 6 } },
    }),
    'set-last-read': () => ({
      call: { name: 'set-last-read', params: { conference: recipient(a), last_read: b % LOCALS } },
    }),
    'set-read-ranges': () => ({
      call: {
        name: 'set-read-ranges',
        params: {
          conference: recipient(a),
          read_ranges: [
            { first_read: 1, last_read: 1 + (b % 3) },
            { first_read: 6, last_read: 6 + (c % 2) },
          ].slice(0, b % 4),
        },
      },
    }),
    mark: () => ({
      route: { method: 'PUT', path: `/texts/${text(a)}/mark`, json: { type: b } },
      call: { name: 'mark-text', params: { text: text(a), mark_type: b } },
    }),
    unmark: () => ({
      route: { method: 'DELETE', path: `/texts/${text(a)}/mark` },
      call: { name: 'unmark-text', params: { text_no: text(a) } },
    }),
    link: () => {
      const link = { type: c % 3 === 0 ? 'footnote' : 'comment', text_no: text(a), to: text(b) } as const
      return { link, call: linkCall('add', link) }
    },
    unlink: () => ({ call: linkCall('sub', links[links.length - 1 - (a % Math.max(1, links.length))] ?? NO_LINK) }),
    join: () => member(self, of(conferences, a)),
    leave: () => noMember(self, of(conferences, a)),
    invite: () => member(of(persons, b), of(conferences, a)),
    expel: () => noMember(of(persons, b), of(conferences, a)),
    'set-membership-type': () => ({
      call: {
        name: 'set-membership-type',
        params: { pers: self, conf: of(conferences, a), type: { passive: b % 2 === 0, secret: c % 4 === 0 } },
      },
    }),
    'rename-conference': () => ({
      call: {
        name: 'change-name',
        params: { conference: of(conferences, a), new_name: `${prefix} conference ${a} ${b}` },
      },
    }),
    'rename-person': () => ({
      call: { name: 'change-name', params: { conference: self, new_name: `${prefix} person ${self} ${b}` } },
    }),
    'set-presentation': () => ({
      call: {
        name: c % 2 === 0 ? 'set-presentation' : 'set-etc-motd',
        params: { conf_no: of(conferences, a), text_no: b % 3 === 0 ? 0 : text(b) },
      },
    }),
    message: () => ({
      route: { method: 'POST', path: '/messages', json: { recipient: recipient(a), message: `${b} å` } },
      call: { name: 'send-message', params: { recipient: recipient(a), message: `${b} å` } },
    }),
    'work-in': () => ({
      route: { method: 'POST', path: '/sessions/current/working-conference', json: { conf_no: recipient(a) } },
      call: { name: 'change-conference', params: { conference: recipient(a) } },
    }),
    login: () => {
      const pers_no = of(persons, a)
      const passwd = selection.passwdOf(pers_no)
      return {
        route: { method: 'POST', path: '/sessions/current/login', json: { pers_no, passwd } },
        call: { name: 'login', params: { person: pers_no, passwd, invisible: b % 2 === 0 } },
      }
    },
    logout: () => ({
      route: { method: 'POST', path: '/sessions/current/logout' },
      call: { name: 'logout', params: {} },
    }),
  }
  return requests[kind]()
}

function linkCall(verb: 'add' | 'sub', { type, text_no, to }: Link): NonNullable<Request['call']> {
  return type === 'comment'
    ? { name: `${verb}-comment`, params: { text_no, comment_to: to } }
    : { name: `${verb}-footnote`, params: { text_no, footnote_to: to } }
}
