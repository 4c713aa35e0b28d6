import { parseArgs } from 'node:util'

export interface Options {
  minutes: number
  /** what all chance comes from */
  seed: string
  /** at the same time */
  clients: number
  /** where the picture goes */
  picture: string
}

/** In less not everything can happen. */
const MIN_MINUTES = 1
const MAX_MINUTES = 7 * 24 * 60
const MAX_CLIENTS = 500

/** @throws Error for anything unknown or out of bounds */
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
