import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { client } from '../../client.ts'
import { CopyAsCli } from '../../copy-as-cli.tsx'
import { moment } from '../../format.ts'

/** Where people are signed in: one's own, or everybody's for an admin. */
export function Sessions({ admin }: { admin: boolean }) {
  const queries = useQueryClient()
  const sessions = useQuery({
    queryKey: ['sessions', admin],
    queryFn: () => client.access.listSessions({ all: admin || undefined }),
  })
  const end = useMutation({
    mutationFn: (session: string) => client.access.endSession({ session }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['sessions'] }),
  })
  const items = sessions.data?.items ?? []
  if (items.length === 0) return null
  return (
    <section>
      <div className="row spread head">
        <h2>Sessions</h2>
        <CopyAsCli command="keel user sessions" />
      </div>
      {end.isError && <p className="error">{end.error.message}</p>}
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>User</th>
              <th>Browser</th>
              <th>Since</th>
              <th>Last used</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {items.map(({ id, user, agent, createdAt, lastUsedAt, present }) => (
              <tr key={id}>
                <td>{user}</td>
                <td className="quiet">{agent ?? '–'}</td>
                <td>{moment(createdAt)}</td>
                <td>{moment(lastUsedAt)}</td>
                <td className="number">
                  {present ? (
                    <span className="quiet">this one</span>
                  ) : (
                    <button type="button" className="plain" onClick={() => end.mutate(id)}>
                      End
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}
