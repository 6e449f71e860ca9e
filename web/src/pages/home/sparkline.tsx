type Props = {
  points: { at: string; value: number | null }[]
  releases: { at: string; release: string }[]
  label: string
}

const width = 300
const height = 46

/** A line without axes; a tick marks each release. */
export function Sparkline({ points, releases, label }: Props) {
  const known = points.flatMap(({ at, value }) => (value === null ? [] : [{ at: Date.parse(at), value }]))
  const first = known[0]
  const last = known.at(-1)
  if (!first || !last || first === last) return <div className="quiet" style={{ height }} />
  const values = known.map(({ value }) => value)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const x = (at: number) => ((at - first.at) / (last.at - first.at)) * width
  const y = (value: number) => height - 4 - ((value - low) / Math.max(high - low, 1e-9)) * (height - 8)
  const line = known.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  const marks = releases
    .map(({ at, release }) => ({ release, at: Date.parse(at) }))
    .filter(({ at }) => at >= first.at && at <= last.at)
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      width="100%"
      height={height}
      role="img"
      aria-label={label}
      style={{ marginTop: 8 }}
    >
      {marks.map(({ release, at }) => (
        <line key={release} x1={x(at)} x2={x(at)} y1={0} y2={height} stroke="var(--line)" strokeWidth={2} />
      ))}
      <polyline points={line} fill="none" stroke="var(--accent)" strokeWidth={1.8} strokeLinejoin="round" />
    </svg>
  )
}
