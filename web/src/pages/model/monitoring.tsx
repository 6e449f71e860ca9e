import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { client, type Drift, type Endpoint, type Estimate, type Window } from '../../client.ts'
import { CopyAsCli } from '../../copy-as-cli.tsx'
import { interval, moment, number, percent } from '../../format.ts'

/** Is it still right, did the world move, and who answers at this moment? */
export function Monitoring({ model }: { model: string }) {
  const drift = useQuery({ queryKey: ['drift', model], queryFn: () => client.monitoring.drift({ model }) })
  const endpoints = useQuery({ queryKey: ['endpoints'], queryFn: () => client.serving.listEndpoints({}) })
  const endpoint = endpoints.data?.items.find(({ name }) => name === model)
  const failed = drift.error ?? endpoints.error
  return (
    <>
      <div className="row spread head">
        <h2>Newest window</h2>
        <CopyAsCli command={`keel drift ${model}`} />
      </div>
      {failed && <p className="error">{failed.message}</p>}
      {drift.data?.window && <Newest window={drift.data.window} report={drift.data} />}
      {drift.data?.window === null && <p className="quiet">Cannot tell: {drift.data.because}.</p>}
      <div className="row spread head">
        <h2>Endpoint</h2>
        <CopyAsCli command={`keel endpoints show ${model}`} />
      </div>
      {endpoint && <Traffic endpoint={endpoint} />}
      {endpoints.data && !endpoint && <p className="quiet">Nothing is released, so nobody answers.</p>}
    </>
  )
}

function Newest({ window, report }: { window: Window; report: Drift }) {
  return (
    <>
      <p className="quiet">
        {moment(window.from)} – {moment(window.to)}, {window.requests} requests, {window.labelled} labelled, answered by{' '}
        {window.release}. <b>{verdicts[report.verdict]}:</b> {report.because}. {report.meaning}
      </p>
      <div className="tiles">
        {window.bias.n > 0 && (
          <Measured name="Predicted – observed" of={window.bias} shown={number(window.bias.value)} />
        )}
        {metricsOf(window).map(({ metric, estimate, share }) => (
          <Measured
            key={metric}
            name={names[metric] ?? metric}
            of={estimate}
            shown={number(estimate.value)}
            more={share === undefined ? '' : `Of ${percent(share)} of the answers.`}
          />
        ))}
        {window.estimated && (
          <Measured
            name="Accuracy without labels"
            of={window.estimated.accuracy}
            shown={number(window.estimated.accuracy.value)}
            more={window.estimated.blindSpot}
          />
        )}
        <Measured name="Errors" of={window.errorRate} shown={percent(window.errorRate.value)} within={shares} />
        <Measured name="p95 latency" of={window.p95Ms} shown={`${number(window.p95Ms.value, 2)} ms`} />
        {window.costPer1k && (
          <Measured name="Cost of 1,000 answers" of={window.costPer1k} shown={number(window.costPer1k.value)} />
        )}
      </div>
      <Scroll>
        <table>
          <thead>
            <tr>
              <th>Column</th>
              <th className="number">PSI</th>
              <th className="number">Threshold</th>
              <th className="number">p</th>
              <th className="number">n reference</th>
              <th className="number">n window</th>
              <th className="number">Missing</th>
              <th>Against {report.reference}</th>
            </tr>
          </thead>
          <tbody>
            {window.drift.map((row) => (
              <tr key={row.column}>
                <td>{row.column}</td>
                <td className="number">{number(row.psi)}</td>
                <td className="number">{number(row.critical)}</td>
                <td className="number">{row.p !== undefined && row.p < 0.0001 ? '< 0.0001' : number(row.p, 4)}</td>
                <td className="number">{number(row.n)}</td>
                <td className="number">{number(row.m)}</td>
                <td className="number">{percent(row.missing)}</td>
                <td className={row.drifted ? 'state needs_you' : ''}>{row.drifted ? '▲ drifted' : 'steady'}</td>
              </tr>
            ))}
            {(window.notJudged ?? []).map(({ column, because }) => (
              <tr key={column}>
                <td>{column}</td>
                <td colSpan={7} className="quiet">
                  not judged: {because}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <Holes
        missing={(window.missing ?? []).filter(({ reference, now }) => reference.missing > 0 || now.value !== 0)}
      />
    </>
  )
}

const names: Record<string, string> = { log_loss: 'Log loss', auc: 'AUC', mae: 'Absolute error' }

/** Windows of earlier versions have the metrics of numbers only, and no shares. */
function metricsOf({ metrics, absoluteError, logLoss, auc }: Window) {
  const older = absoluteError
    ? [{ metric: 'mae', estimate: absoluteError }]
    : [
        { metric: 'log_loss', estimate: logLoss },
        { metric: 'auc', estimate: auc },
      ]
  const all: { metric: string; estimate: Estimate; share?: number }[] = metrics ?? older
  return all.filter(({ metric }) => metric !== 'bias')
}

const verdicts = { drifted: 'Drifted', steady: 'Steady', cannot_tell: 'Cannot tell' }

/** Inputs with missing values, in training or now. */
function Holes({ missing }: { missing: NonNullable<Window['missing']> }) {
  if (missing.length === 0) return null
  return (
    <Scroll>
      <table>
        <thead>
          <tr>
            <th>Missing values</th>
            <th className="number">In training</th>
            <th className="number">n training</th>
            <th className="number">Now</th>
            <th className="number">n window</th>
            <th className="number">p</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {missing.map(({ column, reference, now, p, changed, emptied }) => (
            <tr key={column}>
              <td>{column}</td>
              <td className="number">{percent(reference.missing / reference.n)}</td>
              <td className="number">{number(reference.n)}</td>
              <td className="number">
                {percent(now.value)} {shares(now)}
              </td>
              <td className="number">{number(now.n)}</td>
              <td className="number">{p < 0.0001 ? '< 0.0001' : number(p, 4)}</td>
              <td className={changed ? 'state needs_you' : ''}>
                {emptied ? '▲ became empty' : changed ? '▲ changed' : 'no change shown'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

type MeasureProps = { name: string; of: Estimate; shown: string; more?: string; within?: (of: Estimate) => string }

function Measured({ name, of, shown, more, within = interval }: MeasureProps) {
  const known = of.value !== null
  return (
    <div className="tile" title={more}>
      <span className="quiet">{name}</span>
      <b>{known ? shown : '–'}</b>
      <span className="quiet">
        {within(of) && `${within(of)} · `}n {of.n}
      </span>
    </div>
  )
}

function shares({ lower, upper }: Estimate): string {
  return typeof lower === 'number' && typeof upper === 'number' ? `${percent(lower)} … ${percent(upper)}` : ''
}

function Traffic({ endpoint }: { endpoint: Endpoint }) {
  const { routing, requests, stoodIn, dropped, versions } = endpoint
  const part = (release: string) => {
    if (release === routing.canary?.release) return percent(routing.canary.share, 0)
    if (release === routing.shadow?.release) return 'shadow'
    return release === routing.live.release ? percent(1 - (routing.canary?.share ?? 0), 0) : 'warm'
  }
  return (
    <>
      <p className="quiet">
        {requests} requests since this server started, {stoodIn} answered by another release that stood in, {dropped}{' '}
        log records lost.
      </p>
      <Scroll>
        <table>
          <thead>
            <tr>
              <th>Release</th>
              <th>Version</th>
              <th>Gets</th>
              <th>Runs on</th>
              <th>State</th>
              <th className="number">Running</th>
              <th className="number">Waiting</th>
              <th className="number">Turned away</th>
            </tr>
          </thead>
          <tbody>
            {versions.map((version) => (
              <tr key={version.release}>
                <td>{version.release}</td>
                <td>v{version.version}</td>
                <td>{part(version.release)}</td>
                <td>{version.kind}</td>
                <td className={version.ready ? '' : 'state needs_you'}>{version.ready ? 'ready' : '▲ not ready'}</td>
                <td className="number">{version.running}</td>
                <td className="number">{version.waiting}</td>
                <td className="number">{version.refused}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}

/** A wide table scrolls by itself; the page does not. */
export function Scroll({ children }: { children: ReactNode }) {
  return <div className="scroll">{children}</div>
}
