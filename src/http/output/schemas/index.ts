/**
 * The JSON values that the HTTP API returns, as schemas. They describe the API, give the values their types and check
 * them in tests; responses are not validated against them. Objects have no fields besides those of their schema.
 */
export { AdminCheck, AdminFigures, AdminNode, AdminServer, AdminSetting, AdminSettings, MissingNodes } from './admin.ts'
export { AuxItem } from './aux-items.ts'
export { BatchResponses } from './batch.ts'
export { Conference, ConferenceType, MicroConference } from './conferences.ts'
export { GatewayError, ProtocolAError } from './errors.ts'
export { Membership, NumberedUnread, Unread } from './memberships.ts'
export { ConferenceName, Person } from './names.ts'
export { OnlineSession, TaggedTextStat, TextPage, Thread, ThreadText } from './reading.ts'
export { ListedServer, ServerInfo, ServerList, Stats } from './server.ts'
export { AdminSession, OwnSession, SessionData, SessionOpened, Ticket, WhoAmI } from './sessions.ts'
export { Start } from './start.ts'
export { Link, ListedText, Mark, Recipient, Text, TextCreated, TextStat } from './texts.ts'
export { Time } from './values.ts'
