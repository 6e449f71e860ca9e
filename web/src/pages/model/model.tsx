import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { client } from '../../client.ts'
import { CopyAsCli } from '../../copy-as-cli.tsx'
import { day, interval, milliseconds, moment, number, percent, stateWords } from '../../format.ts'
import { useMay } from '../../people/who.ts'
import { Monitoring, Scroll } from './monitoring.tsx'
import { QualityChart } from './quality-chart.tsx'
import { RollBack } from './roll-back.tsx'
import { Rollout } from './rollout.tsx'

/** What is live and how did we get here? */
export function Model() {
  const { model } = useParams({ from: '/models/$model' })
  const mayRollBack = useMay('member')
  const read = useQuery({ queryKey: ['model', model], queryFn: () => readModel(model) })
  if (read.isPending) return <div className="skeleton" />
  if (read.isError) return <p className="error">{read.error.message}</p>
  const { card, spans, windows, releases, metrics, alerts, policy, readiness, spec } = read.data
  const { word, shape } = stateWords[card?.state ?? 'not_released']
  const live = releases.find(({ id }) => id === card?.release)
  return (
    <>
      <div className="row spread">
        <div>
          <h1>{model}</h1>
          <p className="sub">{spec?.purpose ?? 'No spec yet.'}</p>
        </div>
        <div className="row">
          <span className={`state ${card?.state ?? 'not_released'}`}>
            {shape} {word}
          </span>
          <CopyAsCli command={`keel live ${model} --all`} />
          {mayRollBack && live && spans.length > 1 && (
            <RollBack model={model} live={live} releases={releases} spans={spans} />
          )}
        </div>
      </div>
      <QualityChart spans={spans} windows={windows} releases={releases} />

      {card?.rollout && <Rollout release={card.rollout.release} />}

      <Monitoring model={model} />

      <div className="row spread head">
        <h2>Delivery</h2>
        <CopyAsCli command={`keel delivery ${model}`} />
      </div>
      <div className="tiles">
        <Tile
          name="Deployments"
          value={`${metrics.deployments}`}
          detail={`${number(metrics.perWeek, 2)} a week${metrics.frequency ? ` (${metrics.frequency.target} wanted)` : ''}, ${day(metrics.from)} – ${day(metrics.to)}`}
        />
        <Tile
          name="Lead time"
          value={`${number(metrics.leadTimeHours.value, 0)} h`}
          detail={`n ${metrics.leadTimeHours.n}`}
        />
        <Tile
          name="Change-fail rate"
          value={percent(metrics.changeFailRate.mean)}
          detail={`${percent(metrics.changeFailRate.lower)} … ${percent(metrics.changeFailRate.upper)}, ${metrics.changeFailRate.failed} of ${metrics.changeFailRate.total}`}
        />
        <Tile
          name="Escape rate"
          value={percent(metrics.escapeRate.value, 0)}
          detail={`${metrics.escapeRate.escaped} escaped, ${metrics.escapeRate.caught} caught`}
        />
        <Tile
          name="Slowest rollback"
          value={metrics.rollbackSeconds.worst === null ? 'never' : milliseconds(metrics.rollbackSeconds.worst)}
          detail={`${metrics.rollbackSeconds.incidents.length} for real, ${metrics.rollbackSeconds.drills.length} drills`}
        />
        <Tile
          name="Pages"
          value={`${metrics.alerts.pages}`}
          detail={`${number(metrics.alerts.perWeek, 2)} a week; ${metrics.alerts.real} real, ${metrics.alerts.noise} noise, ${metrics.alerts.unjudged} open`}
        />
        <Tile name="Policy" value={policy.level} detail={policy.reasons.join('; ') || 'nothing slows releases down'} />
        <Tile
          name="Readiness"
          value={number(readiness.score, 1)}
          detail={`data ${number(readiness.sections.data, 1)} · model ${number(readiness.sections.model, 1)} · infra ${number(readiness.sections.infrastructure, 1)} · monitoring ${number(readiness.sections.monitoring, 1)}`}
        />
      </div>

      <div className="row spread head">
        <h2>Releases</h2>
        <CopyAsCli command={`keel releases ${model}`} />
      </div>
      <Scroll>
        <table>
          <thead>
            <tr>
              <th>Release</th>
              <th>Version</th>
              <th>State</th>
              <th>Fully live</th>
              <th>Ended</th>
              <th>Why</th>
            </tr>
          </thead>
          <tbody>
            {releases.map((release) => (
              <tr key={release.id}>
                <td>
                  {release.id}
                  {release.seenAs === null ? null : <div className="quiet">{release.seenAs}, seen in predictions</div>}
                </td>
                <td>{release.seenAs !== null && release.version === 0 ? '–' : `v${release.version}`}</td>
                <td>{release.state.replaceAll('_', ' ')}</td>
                <td>{moment(release.fullyLiveAt)}</td>
                <td>{moment(release.endedAt)}</td>
                <td>{release.endedBecause ?? release.reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>

      <div className="row spread head">
        <h2>Alerts</h2>
        <CopyAsCli command={`keel alerts ${model}`} />
      </div>
      {alerts.length === 0 ? (
        <p className="quiet">None.</p>
      ) : (
        <Scroll>
          <table>
            <thead>
              <tr>
                <th>Fired</th>
                <th>Signal</th>
                <th>What</th>
                <th>Value</th>
                <th>Threshold</th>
                <th>State</th>
              </tr>
            </thead>
            <tbody>
              {alerts.map((alert) => (
                <tr key={alert.id}>
                  <td>{moment(alert.firedAt)}</td>
                  <td>
                    {alert.signal} <span className="quiet">{alert.severity}</span>
                  </td>
                  <td>{alert.summary}</td>
                  <td>
                    {number(alert.value.value)}{' '}
                    <span className="quiet">
                      {interval(alert.value) && `${interval(alert.value)} · `}n {alert.value.n}
                    </span>
                  </td>
                  <td>
                    {number(alert.threshold)} <span className="quiet">{alert.thresholdFrom}</span>
                  </td>
                  <td>
                    {alert.state} <span className="quiet">{alert.verdict ?? 'not judged'}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <p className="quiet">
        Owner {spec?.owner ?? '–'}, backup {spec?.backup ?? '–'}, runbook {spec?.delivery.rollback.runbook ?? '–'}
      </p>
    </>
  )
}

async function readModel(model: string) {
  const [
    status,
    { spans },
    { items: windows },
    { items: releases },
    metrics,
    { items: alerts },
    policy,
    readiness,
    { spec },
  ] = await Promise.all([
    client.review.status({}),
    client.delivery.timeline({ model }),
    client.monitoring.series({ model }),
    client.delivery.listReleases({ model }),
    client.delivery.metrics({ model }),
    client.monitoring.listAlerts({ model }),
    client.delivery.policy({ model }),
    client.review.readiness({ model }),
    client.registry.getModel({ model }),
  ])
  const card = status.models.find((candidate) => candidate.model === model)
  return { card, spans, windows, releases, metrics, alerts, policy, readiness, spec }
}

function Tile({ name, value, detail }: { name: string; value: string; detail: string }) {
  return (
    <div className="tile">
      <span className="quiet">{name}</span>
      <b>{value}</b>
      <span className="quiet">{detail}</span>
    </div>
  )
}
