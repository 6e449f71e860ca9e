import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { client } from '../../client.ts'
import { moment } from '../../format.ts'
import { setRefused } from '../../people/who.ts'

/** What an invitation leads to: the text of the link is behind the #, so that no log of any server has it. */
export function Join() {
  const text = location.hash.slice(1)
  const invitation = useQuery({
    queryKey: ['invitation', text],
    queryFn: () => client.access.readInvitation({ text }),
    enabled: text !== '',
    refetchInterval: false,
    retry: false,
    meta: { answersItself: true },
  })
  if (text === '') return <p className="error">This link is not whole: the part behind “#” is missing.</p>
  if (invitation.isPending) return <div className="skeleton" />
  if (invitation.isError) return <p className="error">{invitation.error.message}</p>
  const { name, role, by, expiresAt } = invitation.data
  return (
    <div className="card narrow">
      <h1>Welcome, {name}</h1>
      <p className="quiet">
        {by} invited you as {role === 'admin' ? 'an admin' : `a ${role}`}. The link works until {moment(expiresAt)}.
      </p>
      <TakePassword text={text} name={name} />
    </div>
  )
}

function TakePassword({ text, name }: { text: string; name: string }) {
  const [password, setPassword] = useState('')
  const queries = useQueryClient()
  const navigate = useNavigate()
  const accept = useMutation({
    mutationFn: () => client.access.acceptInvitation({ text, password }),
    meta: { answersItself: true },
    onSuccess: async () => {
      setRefused(false)
      await navigate({ to: '/' })
      await queries.invalidateQueries()
    },
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        accept.mutate()
      }}
    >
      <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
      <label>
        <span className="quiet">A password of at least 12 characters; four words are good</span>
        <input
          required
          minLength={12}
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </label>
      {accept.isError && (
        <p className="error" role="alert">
          {accept.error.message}
        </p>
      )}
      <button type="submit" disabled={accept.isPending}>
        {accept.isPending ? 'Coming in …' : 'Come in'}
      </button>
    </form>
  )
}
