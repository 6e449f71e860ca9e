import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { AppError } from '../../core/errors.ts'
import type { Session } from './session.ts'

const pollMilliseconds = 100

/** Waits for a piece of background work and gives its result. */
export async function resultOf(session: Session, client: Client<Api>, job: string, title: string): Promise<unknown> {
  const progress = session.progress(title)
  try {
    for (;;) {
      const state = await client.system.getJob({ job })
      if (state.state === 'succeeded') return state.result
      if (state.state === 'failed' || state.state === 'cancelled')
        throw new AppError('internal', `${title}: ${state.error ?? state.state}`)
      if (state.progress) progress.update(state.progress.done, state.progress.total, state.progress.note)
      await new Promise((resolve) => setTimeout(resolve, pollMilliseconds))
    }
  } finally {
    progress.end()
  }
}
