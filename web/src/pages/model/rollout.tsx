import { useQuery } from '@tanstack/react-query'
import { client } from '../../client.ts'
import { CopyAsCli } from '../../copy-as-cli.tsx'
import { moment, number, percent } from '../../format.ts'
import { Scroll } from './monitoring.tsx'

/** Where the open rollout stands, what it waits for, and when that is there. */
export function Rollout({ release }: { release: string }) {
  const read = useQuery({ queryKey: ['rollout', release], queryFn: () => client.delivery.getRollout({ release }) })
  if (read.isPending) return <div className="skeleton" />
  if (read.isError) return <p className="error">{read.error.message}</p>
  const { state, step, steps, share, guards, forecast, nextCheckAt } = read.data
  return (
    <>
      <div className="row spread head">
        <h2>Rollout</h2>
        <CopyAsCli command={`keel rollout ${release}`} />
      </div>
      <p>
        {release}: <b>{state.replaceAll('_', ' ')}</b> at {percent(share, 0)},{' '}
        {['shadow', ...steps.map((each) => `${each} %`)].map((name, index) => (
          <span key={name}>
            {index > 0 && ' → '}
            {index === step + 1 ? <b>{name}</b> : name}
          </span>
        ))}
      </p>
      <p className="sub">
        {forecast ? `${forecast.sentence}; not before ${moment(forecast.stepUntil)}. ` : ''}
        Next check {moment(nextCheckAt)}.
      </p>
      {guards.length > 0 && (
        <Scroll>
          <table>
            <thead>
              <tr>
                <th>Guard</th>
                <th>Verdict</th>
                <th>Value</th>
                <th>Limit</th>
                <th>n</th>
                <th>Why</th>
              </tr>
            </thead>
            <tbody>
              {guards.map((guard) => (
                <tr key={guard.guard}>
                  <td>{guard.guard}</td>
                  <td>{guard.verdict}</td>
                  <td>{number(guard.value)}</td>
                  <td>{number(guard.limit)}</td>
                  <td>{guard.n}</td>
                  <td>{guard.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </>
  )
}
