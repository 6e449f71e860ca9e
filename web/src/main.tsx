import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRootRoute, createRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Home } from './pages/home/home.tsx'
import { Model } from './pages/model/model.tsx'
import { Shell } from './shell.tsx'
import './style.css'

const root = createRootRoute({ component: Shell })
const home = createRoute({ getParentRoute: () => root, path: '/', component: Home })
const model = createRoute({ getParentRoute: () => root, path: '/models/$model', component: Model })
const router = createRouter({ routeTree: root.addChildren([home, model]), defaultPreload: 'intent' })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

const queries = new QueryClient({ defaultOptions: { queries: { refetchInterval: 3_000, retry: 1 } } })
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
