import './figures.css'
import { useEffect, useState } from 'preact/hooks'
import { Loading } from '../../shared/loading.tsx'
import { language } from '../../shared/preferences.ts'
import { errorText } from '../error-text.ts'
import type { Gateway } from '../gateway.ts'
import { TableFrame } from '../table-frame.tsx'
import { ChartCard, type PlotComponent } from './chart-card.tsx'
import { CHARTS, type Figures, summary } from './figures.ts'
import { formatted } from './format.ts'
import { t } from './strings.ts'
import { useFigures } from './use-figures.ts'

/** The figures of the gateway as charts and as a table. */
export function FiguresView({ gateway }: { gateway: Gateway }) {
  const strings = t.value
  const { value: figures, error } = useFigures(gateway)
  const plot = usePlot()
  if (figures === undefined) return error === undefined ? <Loading /> : <p class="error">{errorText(error)}</p>
  const { samples } = figures
  return (
    <>
      <p class="quiet">{strings.about}</p>
      {plot === 'failed' && <p role="status">{strings.chartsFailed}</p>}
      {samples.length === 0 ? (
        <p>{strings.none}</p>
      ) : (
        <>
          <div class="charts">
            {CHARTS.map((chart) => (
              <ChartCard
                key={chart.title}
                chart={chart}
                samples={samples}
                Plot={plot === 'failed' ? undefined : plot?.Plot}
              />
            ))}
          </div>
          <details class="figure-table" open={plot === 'failed'}>
            <summary>{strings.table}</summary>
            <FigureTable figures={figures} />
          </details>
        </>
      )}
      <LimitHits hits={figures.limit_hits} />
    </>
  )
}

/** Loads the component that draws lines. */
function usePlot(): { Plot: PlotComponent } | 'failed' | undefined {
  const [plot, setPlot] = useState<{ Plot: PlotComponent } | 'failed' | undefined>()
  useEffect(() => {
    import('./plot.tsx').then(
      ({ Plot }) => setPlot({ Plot }),
      () => setPlot('failed'),
    )
  }, [])
  return plot
}

function FigureTable({ figures: { samples } }: { figures: Figures }) {
  const strings = t.value
  return (
    <TableFrame label={strings.figure}>
      <table>
        <thead>
          <tr>
            <th scope="col">{strings.figure}</th>
            <th scope="col" class="number">
              {strings.now}
            </th>
            <th scope="col" class="number">
              {strings.mean}
            </th>
            <th scope="col" class="number">
              {strings.highest}
            </th>
          </tr>
        </thead>
        <tbody>
          {CHARTS.flatMap(({ title, unit, series }) =>
            series.map(({ label, field }) => {
              const { mean, max } = summary(samples, field) ?? {}
              return (
                <tr key={field}>
                  <th scope="row">
                    {strings[title]}
                    {series.length > 1 && `, ${strings[label]}`}
                  </th>
                  <td class="number">{formatted(samples.at(-1)?.[field], unit)}</td>
                  <td class="number">{formatted(mean, unit)}</td>
                  <td class="number">{formatted(max, unit)}</td>
                </tr>
              )
            }),
          )}
        </tbody>
      </table>
    </TableFrame>
  )
}

/** The limits that have rejected something. */
function LimitHits({ hits }: { hits: Figures['limit_hits'] }) {
  const strings = t.value
  const hit = Object.entries(hits).filter(([, count]) => count > 0)
  if (hit.length === 0) return <p>{strings.noHits}</p>
  return (
    <TableFrame label={strings.limitHits}>
      <table>
        <thead>
          <tr>
            <th scope="col">{strings.limit}</th>
            <th scope="col" class="number">
              {strings.since}
            </th>
          </tr>
        </thead>
        <tbody>
          {hit.map(([limit, count]) => (
            <tr key={limit}>
              <th scope="row">
                <code>{limit}</code>
              </th>
              <td class="number">{count.toLocaleString(language.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  )
}
