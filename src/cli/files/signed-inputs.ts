import { ProblemError } from '../../client/client.ts'
import type { Session } from '../kit/kit.ts'
import type { Inputs } from './golden-file.ts'

/** Asks what the newest version of a model reads; nothing is known of a model without versions, or of one that is new. */
export function signedInputs(session: Session): (model: string) => Promise<Inputs> {
  return async (model) => {
    const client = await session.client()
    try {
      const { items } = await client.registry.listVersions({ model, limit: 1 })
      return items[0]?.signature?.inputs ?? []
    } catch (error) {
      if (error instanceof ProblemError && error.problem.code === 'not_found') return []
      throw error
    }
  }
}
