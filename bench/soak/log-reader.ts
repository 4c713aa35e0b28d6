/** The levels of pino from `error` on. */
const ERROR = /"level":[56]0/

/** What komgate logs: only what it should not have to say is kept. */
export class LogReader {
  lines = 0
  errors = 0
  /** the first of them */
  readonly examples: string[] = []
  #rest = ''

  read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      this.lines++
      if (!ERROR.test(line)) continue
      this.errors++
      if (this.examples.length < 5) this.examples.push(line.slice(0, 1000))
    }
  }
}
