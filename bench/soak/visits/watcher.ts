import type { Visit } from '../visit.ts'

/** A monitoring client. */
export async function watcher(visit: Visit): Promise<void> {
  for (const path of visit.random.shuffled(['/', '/stats', '/metrics', '/live', '/ready'])) {
    await visit.browser.ask({ method: visit.random.pick(['GET', 'HEAD']), path, allow: [200] })
    await visit.pause(10, 300)
  }
}
