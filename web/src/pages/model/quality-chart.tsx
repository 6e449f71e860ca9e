import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Estimate, Release, Span, Window } from '../../client.ts'
import { day, interval, moment, number } from '../../format.ts'

type Props = { spans: Span[]; windows: Window[]; releases: Release[] }

const palette = ['#7c8798', '#2563eb', '#0d9488', '#9333ea', '#c2410c']

/** Who was live (bands) over how right the answers were (line with its interval), on one time axis. */
export function QualityChart({ spans, windows, releases }: Props) {
  const [point, setPoint] = useState<number | null>(null)
  const shown = windows[point ?? windows.length - 1]
  const begin = spans[0]?.from ?? windows[0]?.from
  const end = windows.at(-1)?.to
  if (begin === undefined || end === undefined)
    return <div className="chart quiet">No window is complete yet: quality appears when labels have come in.</div>
  const [from, to] = [Date.parse(begin), Math.max(Date.parse(end), ...spans.map((span) => Date.parse(span.from)))]
  const shownTo = to + (to - from) * 0.02
  const place = (time: number) => ((time - from) / (shownTo - from)) * 100
  return (
    <div className="chart">
      <div className="bands">
        {spans.map((span) => {
          const start = Date.parse(span.from)
          const stop = span.to === null ? shownTo : Date.parse(span.to)
          const number = releases.find(({ id }) => id === span.release)?.number ?? 0
          return (
            <div
              key={span.from}
              className="band"
              title={`${span.seenAs ?? span.release} (v${span.version}) from ${moment(span.from)} to ${span.to === null ? 'now' : moment(span.to)}: ${span.because}`}
              style={{
                left: `${place(start)}%`,
                width: `${Math.max(place(stop) - place(start), 1.2)}%`,
                background: palette[number % palette.length],
              }}
            >
              {span.release.split('.').at(-1)} v{span.version}
            </div>
          )
        })}
      </div>
      <Line windows={windows} from={from / 1000} to={shownTo / 1000} onPoint={setPoint} />
      <p className="reading">{shown && reading(shown)}</p>
      <p className="quiet">
        {heading(windows)} by window (lower is better), 95 % interval; bars above: who was live. Point at a window for
        its numbers.
      </p>
    </div>
  )
}

/** Probabilities are judged by their log loss, quantities by their distance from what happened, all else by the metric of the spec. */
function qualityOf(window: Window): Estimate {
  return shownQuality(window).estimate
}

function shownQuality({ absoluteError, logLoss, metrics = [] }: Window): { metric: string; estimate: Estimate } {
  if (absoluteError) return { metric: 'Absolute error', estimate: absoluteError }
  const [first] = metrics
  const known = metrics.find(({ metric }) => metric === 'log_loss')
  if (known || !first) return { metric: 'Log loss', estimate: known?.estimate ?? logLoss }
  return first
}

function heading(windows: Window[]): string {
  const newest = windows.at(-1)
  return newest ? shownQuality(newest).metric : 'Log loss'
}

/** The numbers of one window in words: what, how sure, of how many, and until when it is known. */
function reading(window: Window): string {
  const { from, to, release, labelled, requests, knownUpTo } = window
  const quality = qualityOf(window)
  const known = knownUpTo ? `, labels known up to ${moment(knownUpTo)}` : ''
  const sure = interval(quality) && ` (${interval(quality)})`
  return `${day(from)} – ${day(to)}, ${release}: ${heading([window]).toLowerCase()} ${number(quality.value)}${sure}, n ${labelled} of ${requests}${known}`
}

type LineProps = { windows: Window[]; from: number; to: number; onPoint: (index: number | null) => void }

function Line({ windows, from, to, onPoint }: LineProps) {
  const target = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = target.current
    if (!element) return undefined
    const colour = (name: string) => getComputedStyle(element).getPropertyValue(name)
    const ink = resolved(element, colour('--quiet'))
    const accent = resolved(element, colour('--accent'))
    const middle = windows.map((window) => (Date.parse(window.from) + Date.parse(window.to)) / 2000)
    const pick = (key: 'value' | 'lower' | 'upper') => windows.map((window) => qualityOf(window)[key] ?? null)
    const axis = {
      stroke: ink,
      grid: { stroke: resolved(element, colour('--line')), width: 1 },
      ticks: { show: false },
    }
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: 230,
        scales: { x: { time: true, range: [from, to] } },
        axes: [axis, { ...axis, size: 52 }],
        series: [
          {},
          { label: 'upper', stroke: 'transparent', points: { show: false } },
          { label: 'lower', stroke: 'transparent', points: { show: false } },
          { label: 'log loss', stroke: accent, width: 2, points: { show: true, size: 5 } },
        ],
        bands: [{ series: [1, 2], fill: `color-mix(in srgb, ${accent} 18%, transparent)` }],
        legend: { show: false },
        hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
      },
      [middle, pick('upper'), pick('lower'), pick('value')],
      element,
    )
    const onResize = () => chart.setSize({ width: element.clientWidth, height: 230 })
    window.addEventListener('resize', onResize)
    return () => {
      window.removeEventListener('resize', onResize)
      chart.destroy()
    }
  }, [windows, from, to, onPoint])
  return <div ref={target} />
}

/** A canvas does not know `light-dark()`: let the browser resolve it once. */
function resolved(element: HTMLElement, value: string): string {
  const probe = document.createElement('span')
  probe.style.color = value
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
