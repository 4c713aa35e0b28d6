import type { FaultSpan } from './ledger.ts'
import type { Sample } from './sampler.ts'

const WIDTH = 1200
const LEFT = 120
const RIGHT = 20
const TOP = 56
const PANEL = 150
const GAP = 40
const PLOT = WIDTH - LEFT - RIGHT
const MB = 2 ** 20
const COLOURS = [
  '#4e79a7',
  '#e15759',
  '#59a14f',
  '#b07aa1',
  '#9c755f',
  '#76b7b2',
  '#edc948',
  '#ff9da7',
  '#f28e2b',
  '#666',
]

interface Curve {
  name: string
  colour: string
  values: readonly (number | undefined)[]
}

interface Panel {
  title: string
  curves: readonly Curve[]
  /** logarithmic scale */
  isLogarithmic?: boolean
}

/** Draws a run as SVG: sessions, latency, memory and open files over time, with the faults above them. */
export function picture(
  title: string,
  samples: readonly Sample[],
  faults: readonly FaultSpan[],
  start: number,
): string {
  const end = Math.max(start + 1, ...samples.map(({ at }) => at))
  const x = (at: number): number => LEFT + ((Math.min(at, end) - start) / (end - start)) * PLOT
  const times = samples.map(({ at }) => x(at))
  const panels: Panel[] = [
    { title: 'sessions', curves: [curve('open', 0, samples, ({ sessions }) => sessions)] },
    {
      title: 'latency, ms',
      isLogarithmic: true,
      curves: [
        curve('p99 where faults are', 1, samples, ({ rough }) => rough.p99),
        curve('p99 where none are', 8, samples, ({ calm }) => calm.p99),
        curve('p50 where none are', 2, samples, ({ calm }) => calm.p50),
      ],
    },
    {
      title: 'memory, MB',
      curves: [
        curve('RSS', 3, samples, ({ rss }) => rss / MB),
        curve('heap, collected', 0, samples, ({ held }) => held && held / MB),
      ],
    },
    { title: 'open files and sockets', curves: [curve('of komgate', 4, samples, ({ handles }) => handles)] },
  ]
  const kinds = [...new Set(faults.map(({ name, place }) => `${place}: ${name}`))].sort((a, b) => a.localeCompare(b))
  const strip = kinds.length * 12
  const top = (i: number): number => TOP + strip + GAP + i * (PANEL + GAP)
  const height = top(panels.length)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 24, title, 'font-size="15"'),
    ...kinds.map((kind, i) => faultRow(kind, i, faults, x)),
    ...panels.map((panel, i) => drawPanel(panel, top(i), times)),
    ...panels.map((_, i) => timeAxis(top(i) + PANEL, start, end, x)),
    '</svg>\n',
  ].join('\n')
}

function curve(
  name: string,
  colour: number,
  samples: readonly Sample[],
  value: (sample: Sample) => number | undefined,
) {
  return { name, colour: COLOURS[colour] as string, values: samples.map(value) }
}

function faultRow(kind: string, i: number, faults: readonly FaultSpan[], x: (at: number) => number): string {
  const y = TOP + i * 12
  const colour = COLOURS[i % COLOURS.length]
  const marks = faults
    .filter(({ name, place }) => `${place}: ${name}` === kind)
    .map(({ from, to }) => {
      const width = Math.max(2, x(to) - x(from))
      return `<rect x="${x(from).toFixed(1)}" y="${y - 9}" width="${width.toFixed(1)}" height="9" fill="${colour}"/>`
    })
  return [text(LEFT - 6, y, kind, 'text-anchor="end" font-size="9"'), ...marks].join('')
}

function drawPanel({ title, curves, isLogarithmic = false }: Panel, top: number, times: readonly number[]): string {
  const known = curves.flatMap(({ values }) => values.filter((value) => value !== undefined))
  const ticks = isLogarithmic ? powersOfTen(known) : roundNumbers(known)
  const scale = isLogarithmic ? Math.log10 : (value: number) => value
  const low = scale(ticks[0] as number)
  const high = scale(ticks.at(-1) as number)
  const y = (value: number): number =>
    top + PANEL - ((scale(Math.max(value, ticks[0] as number)) - low) / (high - low)) * PANEL
  const grid = ticks.map((tick) => {
    const at = y(tick).toFixed(1)
    const line = `<line x1="${LEFT}" x2="${LEFT + PLOT}" y1="${at}" y2="${at}" stroke="#ddd"/>`
    return line + text(LEFT - 6, Number(at) + 4, String(tick), 'text-anchor="end"')
  })
  const legend = curves.map(({ name, colour }, i) => text(LEFT + 200 + i * 170, top - 6, name, `fill="${colour}"`))
  const lines = curves.map(({ values, colour }) => {
    const points = values.flatMap((value, i) =>
      value === undefined ? [] : [`${(times[i] as number).toFixed(1)},${y(value).toFixed(1)}`],
    )
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.join(' ')}"/>`
  })
  return [text(LEFT, top - 6, title, 'font-weight="bold"'), ...legend, ...grid, ...lines].join('\n')
}

function timeAxis(y: number, start: number, end: number, x: (at: number) => number): string {
  const seconds = (end - start) / 1000
  const step = [5, 10, 30, 60, 300, 600, 1800, 3600, 36_000].find((each) => seconds / each <= 12) ?? 86_400
  const marks: string[] = []
  for (let at = 0; at <= seconds; at += step) {
    const label = `${Math.floor(at / 60)}:${String(at % 60).padStart(2, '0')}`
    marks.push(text(x(start + at * 1000), y + 14, label, 'text-anchor="middle" fill="#666"'))
  }
  return marks.join('')
}

function powersOfTen(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.max(0.1, Math.min(1, ...values))))
  const high = Math.ceil(Math.log10(Math.max(10, ...values)))
  return Array.from({ length: high - low + 1 }, (_, i) => Number((10 ** (low + i)).toPrecision(1)))
}

/** Axis values from 0 to just above the maximum. */
function roundNumbers(values: readonly number[]): number[] {
  const highest = Math.max(1, ...values)
  const power = 10 ** Math.floor(Math.log10(highest / 4))
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => highest / each <= 4) ?? highest
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, i) => Number((i * step).toPrecision(3)))
}

function text(x: number, y: number, said: string, attributes = ''): string {
  const safe = said.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${safe}</text>`
}
