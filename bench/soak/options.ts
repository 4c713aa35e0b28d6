import { parseArgs } from 'node:util'

export interface Options {
  minutes: number
  /** seed of all random choices */
  seed: string
  /** concurrent clients */
  clients: number
  /** path of the chart */
  picture: string
}

/** Shorter runs cannot cover everything. */
const MIN_MINUTES = 1
const MAX_MINUTES = 7 * 24 * 60
const MAX_CLIENTS = 500

/** @throws Error for an unknown option or a value out of range */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      clients: { type: 'string', default: '40' },
      picture: { type: 'string', default: 'soak.svg' },
    },
  })
  return {
    minutes: number('minutes', values.minutes, MIN_MINUTES, MAX_MINUTES),
    seed: values.seed,
    clients: Math.round(number('clients', values.clients, 1, MAX_CLIENTS)),
    picture: values.picture,
  }
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!(value >= min && value <= max)) throw new Error(`--${name} must be a number from ${min} to ${max}`)
  return value
}
