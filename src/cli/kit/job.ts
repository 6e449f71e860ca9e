import type { Static, TSchema } from 'typebox'
import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { AppError } from '../../core/errors.ts'
import type { Session } from './session.ts'

const pollMilliseconds = 100

type JobReference<Output> = { job: string; output: Output; title: string }

/** Waits for a piece of background work and gives its result. The server may be of another version. */
export async function resultOf<Output extends TSchema>(
  session: Session,
  client: Client<Api>,
  { job, output, title }: JobReference<Output>,
): Promise<Static<Output>> {
  const { readStored } = await import('../../core/validate.ts')
  const progress = session.progress(title)
  try {
    for (;;) {
      const state = await client.system.getJob({ job })
      if (state.state === 'succeeded') return readStored(output, state.result, `${title}: its result`)
      if (state.state === 'failed' || state.state === 'cancelled')
        throw new AppError('internal', `${title}: ${state.error ?? state.state}`)
      if (state.progress) progress.update(state.progress.done, state.progress.total, state.progress.note)
      await new Promise((resolve) => setTimeout(resolve, pollMilliseconds))
    }
  } finally {
    progress.end()
  }
}
