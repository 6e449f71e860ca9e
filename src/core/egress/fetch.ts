import type { Context } from '../context.ts'
import { send } from './guard.ts'

type Init = {
  method?: string | undefined
  headers?: RequestInit['headers']
  body?: RequestInit['body'] | undefined
  signal?: AbortSignal | null | undefined
}

/** `fetch` for libraries that take one: every request goes through the guard, and no redirect is followed. */
export function guardedFetch(ctx: Context) {
  return async (url: string | URL, init: Init = {}): Promise<Response> => {
    const { method = 'GET', headers, body, signal } = init
    const sent = await bodyOf(body)
    const {
      status,
      headers: told,
      body: bytes,
    } = await send(ctx, {
      url: String(url),
      method: method as 'GET',
      headers: Object.fromEntries(new Headers(headers)),
      ...(sent === undefined ? {} : { body: sent }),
      ...(signal ? { signal } : {}),
    })
    const withoutBody = status === 204 || status === 304
    return new Response(withoutBody ? null : new Uint8Array(bytes), { status, headers: told })
  }
}

async function bodyOf(body: Init['body']): Promise<Uint8Array | undefined> {
  if (body === undefined || body === null) return undefined
  return new Uint8Array(await new Response(body).arrayBuffer())
}
