import type { Contract } from '../core/contract.ts'
import type { Route, Routes } from './client.ts'

/** What a client needs at run time of the contract: method, path and how bytes travel. */
export function routesOf(api: Record<string, Contract>): Routes {
  return Object.fromEntries(
    Object.entries(api).map(([domain, operations]) => [
      domain,
      Object.fromEntries(
        Object.entries(operations).map(([name, { method, path, body, reply }]): [string, Route] => [
          name,
          { method, path, ...(body ? { body } : {}), ...(reply ? { reply } : {}) },
        ]),
      ),
    ]),
  )
}
