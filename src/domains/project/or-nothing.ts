import { AppError } from '../../core/errors.ts'

/** What a lookup finds; undefined where there is nothing of that name. */
export async function orNothing<T>(lookup: Promise<T> | T): Promise<T | undefined> {
  try {
    return await lookup
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined
    throw error
  }
}
