import type { FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import { invalid } from './errors.ts'
import { climbs } from './locations.ts'

export function pathOf(request: FastifyRequest): string {
  return (request.params as { '*': string })['*']
}

/** A path in any disguise that leads out, or starts at a root, is refused with the one text that clients know. */
export function checked(path: string): string {
  if (path.includes('#') || climbs(path) || /^[/\\]|^[A-Za-z]:|^[a-z]+:\//.test(path)) throw invalid('Invalid path')
  return path.replace(/\/+$/, '')
}

export async function keeping<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'invalid_input') throw invalid(`Invalid path: ${error.message}`)
    throw error
  })
}
