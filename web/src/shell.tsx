import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { client } from './client.ts'
import { moment } from './format.ts'
import { Account } from './people/account.tsx'
import { SignIn } from './people/sign-in.tsx'

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)
}

/** Name, clock and the keys that work everywhere: `h` goes home, `1` to `9` open a model. */
export function Shell() {
  const info = useQuery({ queryKey: ['info'], queryFn: () => client.system.info({}) })
  const status = useQuery({ queryKey: ['status'], queryFn: () => client.review.status({}) })
  const navigate = useNavigate()

  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      const typing = isField(event.target) || event.metaKey || event.ctrlKey || event.altKey
      if (typing) return
      if (event.key === 'h') void navigate({ to: '/' })
      const model = status.data?.models[Number(event.key) - 1]?.model
      if (/^[1-9]$/.test(event.key) && model !== undefined) void navigate({ to: '/models/$model', params: { model } })
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [navigate, status.data])

  return (
    <>
      <header className="top">
        <Link to="/" className="name">
          Evenkeel
        </Link>
        <nav aria-label="Models">
          {status.data?.models.map(({ model }) => (
            <Link key={model} to="/models/$model" params={{ model }} activeProps={{ 'aria-current': 'page' }}>
              {model}
            </Link>
          ))}
        </nav>
        <span
          className="clock"
          title={info.data?.simulated ? 'A replay: this clock only moves when it is set.' : 'Server time'}
        >
          {info.data ? `${moment(info.data.now)}${info.data.simulated ? ' · replay' : ''}` : ''}
        </span>
        <Account />
      </header>
      <main>
        <Outlet />
      </main>
      <SignIn />
    </>
  )
}
