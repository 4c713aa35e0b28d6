import type { ComponentType } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { language, theme } from '../../shared/preferences.ts'
import type { Chart, Sample } from './figures.ts'
import { formatted } from './format.ts'
import type { Plot } from './plot.tsx'
import { t } from './strings.ts'

/** The component that draws lines; it is loaded when the view is shown. */
export type PlotComponent = ComponentType<Parameters<typeof Plot>[0]>

/** A chart with its title and the current values, or those under the pointer. */
export function ChartCard({
  chart,
  samples,
  Plot: Lines,
}: {
  chart: Chart
  samples: readonly Sample[]
  Plot: PlotComponent | undefined
}) {
  const strings = t.value
  const card = useRef<HTMLElement>(null)
  const [hovered, setHovered] = useState<Sample | undefined>()
  const colours = useColours(card, chart.series.length)
  const shown = hovered ?? samples.at(-1)
  const title = strings[chart.title]
  const values = chart.series.map(({ field }) => formatted(shown?.[field], chart.unit))
  const now = chart.series.map(
    ({ label, field }) => `${strings[label]} ${formatted(samples.at(-1)?.[field], chart.unit)}`,
  )
  return (
    <figure class="chart" ref={card}>
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="quiet">
          {hovered !== undefined && clock(hovered.time)}
          <span class="chart-axis" />
          <span class="chart-grid" />
        </span>
        <span class="legend">
          {chart.series.map(({ label }, i) => (
            <span key={label}>
              <span class={`swatch line-${i}`} aria-hidden="true" />
              {chart.series.length > 1 && `${strings[label]} `}
              <b class="count">{values[i]}</b>
            </span>
          ))}
        </span>
      </figcaption>
      {Lines !== undefined && colours.length > 0 && (
        <div role="img" aria-label={strings.chartOf(title, now.join(', '))}>
          <Lines chart={chart} samples={samples} colours={colours} onHover={setHovered} />
        </div>
      )}
    </figure>
  )
}

/** Returns the colours of lines, axes and grid in the theme, which a canvas does not take from style sheets. */
function useColours(card: { current: HTMLElement | null }, lines: number): readonly string[] {
  const [colours, setColours] = useState<readonly string[]>([])
  const { value } = theme
  useEffect(() => {
    const system = matchMedia('(prefers-color-scheme: dark)')
    const read = (): void => {
      const names = [...Array.from({ length: lines }, (_, i) => `.line-${i}`), '.chart-axis', '.chart-grid']
      const elements = names.map((name) => card.current?.querySelector(name))
      setColours(elements.map((element) => (element ? getComputedStyle(element).color : '')))
    }
    read()
    system.addEventListener('change', read)
    return () => system.removeEventListener('change', read)
  }, [card, lines, value])
  return colours
}

function clock(time: number): string {
  return new Date(time).toLocaleTimeString(language.value, { hourCycle: 'h23' })
}
