import { fragmentOf, go, goBack } from '../address.ts'
import { writeAbout } from '../compose/kinds.ts'
import { t as compose } from '../compose/strings.ts'
import { t as goToStrings } from '../goto/strings.ts'
import { t as marksStrings } from '../marks/strings.ts'
import { t as online } from '../online/strings.ts'
import type { Reader } from '../reading/reader.ts'
import { t } from '../strings/index.ts'
import { markRead, markUnread, toggleMark } from '../text/actions.ts'
import { t as threadStrings } from '../thread/strings.ts'
import { toggleThread } from '../thread/thread-pane.tsx'
import { moveInList } from './list-focus.ts'

/** What commands act on. */
export interface CommandContext {
  reader: Reader
  /** the number of the text that is shown */
  textNo: number | undefined
  /** shows the keys */
  showHelp(): void
  /** shows the conferences, and moves the focus there */
  showList(): void
  /** shows the dialog to go to something by its name or number */
  showGoTo(): void
}

/** An action of the person that has keys. */
interface Command {
  /** keys as `KeyboardEvent.key` has them; a sequence of keys is separated by spaces, the space bar is `Space` */
  keys: readonly string[]
  /** whether it is repeated while its key is held down */
  isRepeated?: boolean
  /** what it does, for the list of keys */
  meaning(): string
  run(context: CommandContext): void
}

/** The commands of the reader, in the order of the list of keys. */
export const COMMANDS: readonly Command[] = [
  { keys: ['Space', 'n'], meaning: () => t.value.keyNext, run: ({ reader }) => void reader.readNext() },
  { keys: ['Shift+Space', 'p'], meaning: () => t.value.keyBack, run: goBack },
  {
    keys: ['c'],
    meaning: () => compose.value.keyComment,
    run: ({ reader, textNo }) => writeAbout(reader, 'comment', textNo),
  },
  {
    keys: ['f'],
    meaning: () => compose.value.keyFootnote,
    run: ({ reader, textNo }) => writeAbout(reader, 'footnote', textNo),
  },
  {
    keys: ['a'],
    meaning: () => compose.value.keyAnswer,
    run: ({ reader, textNo }) => writeAbout(reader, 'answer', textNo),
  },
  {
    keys: ['r'],
    meaning: () => t.value.keyRead,
    run({ reader, textNo }) {
      if (textNo !== undefined) markRead(reader, textNo)
    },
  },
  {
    keys: ['u'],
    meaning: () => t.value.keyUnread,
    run({ reader, textNo }) {
      if (textNo !== undefined) void markUnread(reader, textNo)
    },
  },
  {
    keys: ['m'],
    meaning: () => marksStrings.value.keyMark,
    run({ reader, textNo }) {
      if (textNo !== undefined) void toggleMark(reader, textNo)
    },
  },
  { keys: ['j'], isRepeated: true, meaning: () => goToStrings.value.keyDown, run: () => moveInList(1) },
  { keys: ['k'], isRepeated: true, meaning: () => goToStrings.value.keyUp, run: () => moveInList(-1) },
  {
    keys: ['t'],
    meaning: () => threadStrings.value.key,
    run({ textNo }) {
      if (textNo !== undefined) toggleThread()
    },
  },
  { keys: ['g c'], meaning: () => t.value.keyList, run: ({ showList }) => showList() },
  {
    keys: ['g m'],
    meaning: () => marksStrings.value.keyMarks,
    run: ({ reader }) => go(fragmentOf(reader.server, 'marks')),
  },
  {
    keys: ['g w'],
    meaning: () => online.value.key,
    run: ({ reader: { server } }) => go(fragmentOf(server, 'online')),
  },
  { keys: ['/'], meaning: () => goToStrings.value.keyGoTo, run: ({ showGoTo }) => showGoTo() },
  { keys: ['?'], meaning: () => t.value.keyHelp, run: ({ showHelp }) => showHelp() },
]
