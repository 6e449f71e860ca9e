import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useLocation } from '@tanstack/react-router'
import { Dialog } from 'radix-ui'
import { useState } from 'react'
import { client } from '../client.ts'
import { setRefused, useRefused, useWho } from './who.ts'

/** Over whatever page is open, which stays as it is: what was typed there is still there afterwards. */
export function SignIn() {
  const { data: ways } = useWho()
  const refused = useRefused()
  const path = useLocation({ select: ({ pathname }) => pathname })
  if (!refused || ways === undefined || path === '/join') return null
  return (
    <Dialog.Root open>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay opaque" />
        <Dialog.Content className="dialog" onEscapeKeyDown={(event) => event.preventDefault()}>
          <Dialog.Title asChild>
            <h1>Sign in</h1>
          </Dialog.Title>
          <Dialog.Description className="quiet">{reasonOf(ways)}</Dialog.Description>
          {ways.provider && <ByProvider {...ways.provider} />}
          {ways.password && <ByPassword />}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function reasonOf({ password, provider }: { password: boolean; provider?: unknown }): string {
  const told = new URLSearchParams(location.search).get('sign-in')
  if (told !== null) return told
  if (password || provider !== undefined) return 'This page goes on where it was.'
  return 'Nobody has an account yet. On the server’s machine: keel user invite <name> --role admin'
}

function ByProvider({ name, path }: { name: string; path: string }) {
  const back = `${location.pathname}${location.search}${location.hash}`
  return (
    <a className="button" href={`${path}?back=${encodeURIComponent(back)}`}>
      Sign in with {name}
    </a>
  )
}

function ByPassword() {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const queries = useQueryClient()
  const signIn = useMutation({
    mutationFn: () => client.access.signIn({ name: name.trim(), password }),
    meta: { answersItself: true },
    onSuccess: () => {
      setRefused(false)
      void queries.invalidateQueries()
    },
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        signIn.mutate()
      }}
    >
      <label>
        <span className="quiet">Name or address</span>
        <input
          required
          autoComplete="username"
          autoCapitalize="none"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label>
        <span className="quiet">Password</span>
        <input
          required
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </label>
      {signIn.isError && (
        <p className="error" role="alert">
          {signIn.error.message}
        </p>
      )}
      <button type="submit" disabled={signIn.isPending}>
        {signIn.isPending ? 'Signing in …' : 'Sign in'}
      </button>
    </form>
  )
}
