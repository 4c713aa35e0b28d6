/** pino levels `error` and above. */
const ERROR = /"level":[56]0/
/** The error line of an outage of a LysKOM server, which the soak test causes itself. */
const CAUSED_OUTAGE = /"msg":"LysKOM server: failing"/

/** Reads the gateway's log and keeps only errors, except those of the outages that the soak test causes. */
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
      if (!ERROR.test(line) || CAUSED_OUTAGE.test(line)) continue
      this.errors++
      if (this.examples.length < 5) this.examples.push(line.slice(0, 1000))
    }
  }
}
