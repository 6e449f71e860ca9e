import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { client } from '../../client.ts'
import { CopyAsCli } from '../../copy-as-cli.tsx'
import { moment } from '../../format.ts'
import { type Role, roles } from '../../people/who.ts'

/** Tokens of programs: one's own, or all for an admin. The text of a new one is shown once. */
export function Tokens({ admin }: { admin: boolean }) {
  const queries = useQueryClient()
  const again = () => queries.invalidateQueries({ queryKey: ['tokens'] })
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => client.access.listTokens({}) })
  const revoke = useMutation({
    mutationFn: (token: string) => client.access.revokeToken({ token }),
    onSettled: again,
  })
  const items = tokens.data?.items ?? []
  return (
    <section>
      <div className="row spread head">
        <h2>Tokens</h2>
        <CopyAsCli command="keel token list" />
      </div>
      {(tokens.isError || revoke.isError) && <p className="error">{(tokens.error ?? revoke.error)?.message}</p>}
      {items.length > 0 && (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>Of</th>
                <th>Role</th>
                <th>Scopes</th>
                <th>Last used</th>
                <th>Expires</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {items.map(({ id, name, owner, service, role, scopes, lastUsedAt, expiresAt, revoked }) => (
                <tr key={id}>
                  <td>{name}</td>
                  <td>{service ? 'a service' : (owner ?? '–')}</td>
                  <td>{role}</td>
                  <td>{scopes?.join(', ') ?? 'all of its role'}</td>
                  <td>{lastUsedAt === undefined ? 'never' : moment(lastUsedAt)}</td>
                  <td>{expiresAt === undefined ? 'never' : moment(expiresAt)}</td>
                  <td className="number">
                    {revoked ? (
                      <span className="quiet">revoked</span>
                    ) : (
                      <button type="button" className="plain" onClick={() => revoke.mutate(id)}>
                        Revoke
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Create admin={admin} done={again} />
    </section>
  )
}

function Create({ admin, done }: { admin: boolean; done: () => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [days, setDays] = useState('90')
  const create = useMutation({
    mutationFn: () =>
      client.access.createToken({ name: name.trim(), role, days: days === '' ? undefined : Number(days) }),
    onSuccess: () => {
      setName('')
      done()
    },
  })
  return (
    <>
      <form
        className="row line"
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <input
          required
          placeholder="name of a token"
          aria-label="Name of a token"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <select aria-label="What it may do" value={role} onChange={(event) => setRole(event.target.value as Role)}>
          {roles.slice(0, admin ? 3 : 2).map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
        <label className="row">
          <input
            type="number"
            min={1}
            max={3650}
            aria-label="Days that it is valid"
            value={days}
            onChange={(event) => setDays(event.target.value)}
          />
          <span className="quiet">days</span>
        </label>
        <button type="submit" disabled={create.isPending}>
          Create
        </button>
      </form>
      {create.isError && (
        <p className="error" role="alert">
          {create.error.message}
        </p>
      )}
      {create.isSuccess && (
        <p>
          Keep it, it is not shown again: <code data-testid="token">{create.data.token}</code>
        </p>
      )}
    </>
  )
}
