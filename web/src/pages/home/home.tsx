import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type Card, client } from '../../client.ts'
import { CopyAsCli } from '../../copy-as-cli.tsx'
import { day, interval, number, percent, span, stateWords } from '../../format.ts'
import { Sparkline } from './sparkline.tsx'

/** Is everything steady? */
export function Home() {
  const status = useQuery({ queryKey: ['status'], queryFn: () => client.review.status({}) })
  if (status.isPending) return <div className="skeleton" />
  if (status.isError) return <p className="error">The server does not answer: {status.error.message}</p>
  const { sentence, models, todo, now, log, notStarted, unreadable } = status.data
  return (
    <>
      <div className="row spread">
        <h1>{sentence}</h1>
        <CopyAsCli command="keel status" />
      </div>
      {log.summary !== null && <p className="error">{log.summary}</p>}
      {notStarted.map(({ model, release, reason }) => (
        <p className="error" key={release}>
          “{release}” could not be started: {reason} <CopyAsCli command={`keel endpoints show ${model}`} />
        </p>
      ))}
      {unreadable.map(({ source, reason }) => (
        <p className="error" key={source}>
          The source “{source}” cannot be read: {reason}. <CopyAsCli command={`keel data check ${source}`} />
        </p>
      ))}
      <p className="sub">Quality is known as far as labels have come in; every interval is 95 %.</p>
      {models.length === 0 ? (
        <div className="card">
          Nothing here yet. See a whole project at work with <code>keel demo</code>, or start your own with{' '}
          <code>keel init</code>.
        </div>
      ) : (
        <div className="cards">
          {models.map((card) => (
            <ModelCard key={card.model} card={card} now={now} />
          ))}
        </div>
      )}
      {todo.length > 0 && (
        <>
          <h2>Needs a person</h2>
          <table>
            <tbody>
              {todo.map((item) => (
                <tr key={`${item.model}${item.kind}${item.summary}`}>
                  <td>
                    <Link to="/models/$model" params={{ model: item.model }}>
                      {item.model}
                    </Link>
                  </td>
                  <td>{item.summary}</td>
                  <td className="number">
                    <CopyAsCli command={item.command} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </>
  )
}

function ModelCard({ card, now }: { card: Card; now: string }) {
  const { word, shape } = stateWords[card.state]
  const { quality } = card
  return (
    <Link to="/models/$model" params={{ model: card.model }} className="card">
      <div className="head">
        <span>{card.model}</span>
        <span className={`state ${card.state}`}>
          {shape} {word}
        </span>
      </div>
      <div className="quiet">{card.headline}</div>
      <Sparkline points={card.sparkline} releases={card.releases} label={`${quality.metric} by window`} />
      <dl className="facts">
        <dt>live</dt>
        <dd>
          {card.release === null
            ? 'nothing'
            : `${card.release} (v${card.version}), ${span(card.liveSince ?? now, now)}`}
        </dd>
        {card.rollout && (
          <>
            <dt>rolling out</dt>
            <dd>
              {card.rollout.release} (v{card.rollout.version}), {card.rollout.state.replaceAll('_', ' ')} at{' '}
              {percent(card.rollout.share, 0)} <span className="quiet">{card.rollout.needs}</span>
            </dd>
          </>
        )}
        <dt>{quality.metric} now</dt>
        <dd>
          {number(quality.now.value)}{' '}
          <span className="quiet">
            {interval(quality.now)} · n {quality.now.n}
          </span>
        </dd>
        <dt>at release</dt>
        <dd>
          {number(quality.atRelease.value)}{' '}
          <span className="quiet">
            {interval(quality.atRelease)} · n {quality.atRelease.n}
          </span>
        </dd>
        <dt>p95</dt>
        <dd>
          {number(card.p95Ms.value, 2)} ms{' '}
          <span className="quiet">
            {interval(card.p95Ms, 2)} · n {card.p95Ms.n}
          </span>
        </dd>
        <dt>window</dt>
        <dd>
          {card.window
            ? `${day(card.window.from)} – ${day(card.window.to)}, ${card.window.requests} requests, ${card.window.labelled} labelled`
            : 'none is complete'}
        </dd>
        <dt>labels until</dt>
        <dd>{day(card.labelsUntil)}</dd>
      </dl>
    </Link>
  )
}
