import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { client } from '../../client.ts'
import { CopyAsCli } from '../../copy-as-cli.tsx'
import { moment } from '../../format.ts'
import { type Role, roles } from '../../people/who.ts'

export function People({ admin }: { admin: boolean }) {
  const users = useQuery({ queryKey: ['users'], queryFn: () => client.access.listUsers({}) })
  const queries = useQueryClient()
  const change = useMutation({
    mutationFn: (input: { user: string; role?: Role; active?: boolean }) => client.access.changeUser(input),
    onSettled: () => queries.invalidateQueries({ queryKey: ['users'] }),
  })
  return (
    <section>
      <div className="row spread head">
        <h2>People</h2>
        <CopyAsCli command="keel user list" />
      </div>
      {change.isError && <p className="error">{change.error.message}</p>}
      {users.data?.items.length === 0 && (
        <p className="quiet">Nobody has an account: only who is on the server’s machine comes in, as “local”.</p>
      )}
      {users.data !== undefined && users.data.items.length > 0 && (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>Address</th>
                <th>Signs in by</th>
                <th>Since</th>
                <th>Role</th>
                {admin && <th>State</th>}
              </tr>
            </thead>
            <tbody>
              {users.data.items.map(({ name, email, ways, createdAt, role, active }) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td>{email ?? '–'}</td>
                  <td>{ways.join(', ')}</td>
                  <td>{moment(createdAt)}</td>
                  <td>
                    {admin ? (
                      <select
                        aria-label={`Role of ${name}`}
                        value={role}
                        onChange={(event) => change.mutate({ user: name, role: event.target.value as Role })}
                      >
                        {roles.map((one) => (
                          <option key={one}>{one}</option>
                        ))}
                      </select>
                    ) : (
                      role
                    )}
                  </td>
                  {admin && (
                    <td>
                      <button
                        type="button"
                        className="plain"
                        onClick={() => change.mutate({ user: name, active: !active })}
                      >
                        {active ? 'Block' : 'Blocked – let in again'}
                      </button>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {admin && <Invite />}
    </section>
  )
}

function Invite() {
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('member')
  const queries = useQueryClient()
  const open = useQuery({ queryKey: ['invitations'], queryFn: () => client.access.listInvitations({}) })
  const again = () => queries.invalidateQueries({ queryKey: ['invitations'] })
  const invite = useMutation({
    mutationFn: () =>
      client.access.inviteUser({ name: name.trim(), role, email: email.trim() === '' ? undefined : email.trim() }),
    onSuccess: () => {
      setName('')
      setEmail('')
      void again()
    },
  })
  const revoke = useMutation({
    mutationFn: (invitation: string) => client.access.revokeInvitation({ invitation }),
    onSettled: again,
  })
  return (
    <>
      <form
        className="row line"
        onSubmit={(event) => {
          event.preventDefault()
          invite.mutate()
        }}
      >
        <input
          required
          placeholder="name"
          aria-label="Name"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <input
          type="email"
          placeholder="address (for a provider)"
          aria-label="Address"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <select aria-label="Role" value={role} onChange={(event) => setRole(event.target.value as Role)}>
          {roles.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
        <button type="submit" disabled={invite.isPending}>
          Invite
        </button>
      </form>
      {invite.isError && (
        <p className="error" role="alert">
          {invite.error.message}
        </p>
      )}
      {invite.isSuccess && (
        <p>
          Send this to {invite.data.name}; it is shown this once and works once:{' '}
          <code data-testid="invitation">{new URL(invite.data.link, location.origin).href}</code>
        </p>
      )}
      {open.data?.items.map(({ id, name, role, by, expiresAt }) => (
        <p key={id} className="quiet">
          {name} is invited as {role} by {by}, until {moment(expiresAt)}.{' '}
          <button type="button" className="plain" onClick={() => revoke.mutate(id)}>
            Take back
          </button>
        </p>
      ))}
    </>
  )
}
