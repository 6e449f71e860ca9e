import type { App } from '../../src/app.ts'

export type RouteOfServer = { method: string; pattern: string }

/** Every route that the server answers, as its router has them. */
export function routesOfServer(app: App): RouteOfServer[] {
  const lines = app.server.printRoutes({ commonPrefix: false, includeMeta: false }).split('\n')
  const path: string[] = []
  return lines.flatMap((text) => {
    const match = /[─ ](\/?\S*) \(([A-Z, ]+)\)$/.exec(text)
    if (!match) return []
    path.length = Math.max(0, Math.floor(text.search(/[├└]/) / 4))
    path.push(match[1] ?? '')
    const pattern = path.join('')
    return (match[2] ?? '')
      .split(', ')
      .filter((method) => method !== 'HEAD' && method !== 'OPTIONS')
      .map((method) => ({ method, pattern }))
  })
}

/** A URL of the route with the same text in every place that a caller chooses. */
export function urlOf({ pattern }: RouteOfServer, text = 'x'): string {
  const filled = pattern.replaceAll(/:[A-Za-z_]+/g, text)
  return filled.endsWith('*') ? `${filled.slice(0, -1)}${filled.endsWith('/*') ? '' : '/'}${text}` : filled
}
