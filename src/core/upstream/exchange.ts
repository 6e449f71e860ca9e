import type { Dispatcher, Pool } from 'undici'
import { AppError } from '../errors.ts'
import type { Deadline } from './deadline.ts'

export type Reply = { status: number; headers: Record<string, string>; body: Buffer }
export type Request = {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body: string | Uint8Array | null
}

/**
 * One request and its whole answer of at most so many bytes. It speaks to the pool without a stream in between: what a
 * stream leaves behind, request by request, makes garbage collections ten times as long.
 */
export function exchange(
  pool: Pool,
  request: Request,
  deadline: Deadline,
  { bytes: limit, name }: { bytes: number; name: string },
): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const chunks: Buffer[] = []
  let size = 0
  let status = 0
  let headers: Record<string, string> = {}
  let controller: Dispatcher.DispatchController | undefined
  let failure: Error | undefined

  function giveUp(error: Error): void {
    failure ??= error
    controller?.abort(failure)
    reject(failure)
  }

  deadline.whenPassed(() => giveUp(new Error('The time is over.')))
  pool.dispatch(request, {
    onRequestStart(started) {
      controller = started
      if (failure) controller.abort(failure)
    },
    onResponseStart(_, code, given) {
      status = code
      headers = flat(given)
      chunks.length = 0
    },
    onResponseData(_, chunk) {
      size += chunk.length
      if (size > limit)
        giveUp(new AppError('upstream_failed', `${name} answered with more than ${limit} bytes.`, { name }))
      else chunks.push(chunk)
    },
    onResponseEnd() {
      resolve({ status, headers, body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) })
    },
    onResponseError(_, error) {
      reject(failure ?? error)
    },
  })
  return promise
}

export function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    found[name] = Array.isArray(value) ? value.join(', ') : (value ?? '')
  }
  return found
}
