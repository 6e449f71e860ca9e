import type { Context, Role } from '../../core/context.ts'
import type { Fields } from './input.ts'

/** One call of MLflow's API: its place below `/api/<version>/mlflow`, who may make it, and what it does. */
export type Call = {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  path: string
  role: Role
  version?: '2.0' | '3.0'
  run: (ctx: Context, fields: Fields) => object | Promise<object>
}

/** Most calls: a GET reads, everything else writes. */
export function call(
  place: `${Call['method']} ${string}`,
  run: Call['run'],
  options: { role?: Role; version?: '3.0' } = {},
): Call {
  const [method, path] = place.split(' ') as [Call['method'], string]
  return { method, path, role: options.role ?? (method === 'GET' ? 'viewer' : 'member'), run, ...options }
}

/** A search changes nothing, although its words come in a body. */
export const reading = { role: 'viewer' } as const
