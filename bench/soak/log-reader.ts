/** pino levels `error` and above. */
const ERROR = /"level":[56]0/

/** Reads the gateway's log and keeps only errors. */
export class LogReader {
  lines = 0
  errors = 0
  /** the first errors */
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
