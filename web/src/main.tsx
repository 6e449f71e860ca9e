import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ProblemError } from '../../src/client/client.ts'
import { Home } from './pages/home/home.tsx'
import { Model } from './pages/model/model.tsx'
import { isRefused, noticeRefusal } from './people/who.ts'
import { Shell } from './shell.tsx'
import './style.css'

const root = createRootRoute({ component: Shell })
const home = createRoute({ getParentRoute: () => root, path: '/', component: Home })
const model = createRoute({ getParentRoute: () => root, path: '/models/$model', component: Model })
const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/settings/settings.tsx'), 'Settings'),
})
const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: lazyRouteComponent(() => import('./pages/join/join.tsx'), 'Join'),
})
const router = createRouter({ routeTree: root.addChildren([home, model, settings, join]), defaultPreload: 'intent' })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

/** What was refused once is refused again; what did not arrive may arrive now. */
const once = (failures: number, error: Error) => failures < 1 && !(error instanceof ProblemError)

/** A form that signs in says itself what was wrong. */
const notice = (error: unknown, meta: Record<string, unknown> | undefined) => {
  if (meta?.['answersItself'] !== true) noticeRefusal(error)
}
const queries = new QueryClient({
  defaultOptions: { queries: { refetchInterval: () => (isRefused() ? false : 3_000), retry: once } },
  queryCache: new QueryCache({ onError: (error, { meta }) => notice(error, meta) }),
  mutationCache: new MutationCache({ onError: (error, _input, _result, { meta }) => notice(error, meta) }),
})
const element = document.getElementById('root')
if (element) {
  createRoot(element).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  )
}
