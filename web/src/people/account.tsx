import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { client } from '../client.ts'
import { useWho } from './who.ts'

/** In the corner: who looks, the way to the settings, and the way out. */
export function Account() {
  const { data } = useWho()
  const queries = useQueryClient()
  const signOut = useMutation({
    mutationFn: () => client.access.signOut({}),
    onSuccess: () => {
      queries.clear()
      location.assign('/')
    },
  })
  if (data === undefined || data.who.kind === 'nobody') return null
  const { name, role, kind } = data.who
  return (
    <span className="account">
      <Link to="/settings" title={kind === 'local' ? 'You are on the server’s machine' : `You are a ${role}`}>
        {name}
      </Link>
      {kind === 'user' && (
        <button type="button" className="plain" onClick={() => signOut.mutate()} disabled={signOut.isPending}>
          Sign out
        </button>
      )}
    </span>
  )
}
