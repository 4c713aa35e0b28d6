import type { Visit } from '../visit.ts'
import { abandoner } from './abandoner.ts'
import { bot } from './bot.ts'
import { chatter } from './chatter.ts'
import { deaf } from './deaf.ts'
import { dripper } from './dripper.ts'
import { forgetful } from './forgetful.ts'
import { ghost } from './ghost.ts'
import { hasty } from './hasty.ts'
import { hostile } from './hostile.ts'
import { operator } from './operator.ts'
import { reader } from './reader.ts'
import { sleeper } from './sleeper.ts'
import { staller } from './staller.ts'
import { vanisher } from './vanisher.ts'
import { watcher } from './watcher.ts'

/** All kinds of clients with their weights. */
export const VISITS: Readonly<Record<string, { visit: (visit: Visit) => Promise<void>; weight: number }>> = {
  reader: { visit: reader, weight: 6 },
  bot: { visit: bot, weight: 3 },
  abandoner: { visit: abandoner, weight: 3 },
  vanisher: { visit: vanisher, weight: 3 },
  hasty: { visit: hasty, weight: 3 },
  chatter: { visit: chatter, weight: 3 },
  sleeper: { visit: sleeper, weight: 3 },
  dripper: { visit: dripper, weight: 2 },
  forgetful: { visit: forgetful, weight: 2 },
  deaf: { visit: deaf, weight: 1 },
  ghost: { visit: ghost, weight: 1 },
  staller: { visit: staller, weight: 1 },
  hostile: { visit: hostile, weight: 2 },
  operator: { visit: operator, weight: 1 },
  watcher: { visit: watcher, weight: 1 },
}
