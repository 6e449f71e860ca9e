import { AppError } from '../../core/errors.ts'
import type { Session } from './session.ts'

/** The first Ctrl-C ends the command in good order; the second ends it at once. */
export function onInterrupt(session: Session): { promise: Promise<never>; dispose(): void } {
  let listener: () => void = () => undefined
  const promise = new Promise<never>((_resolve, reject) => {
    listener = () => {
      process.once('SIGINT', () => process.exit(130))
      session.say('Stopping. What is already stored stays; press Ctrl-C again to stop at once.')
      reject(
        new AppError('interrupted', 'Interrupted.', {
          hint: 'Run the same command again: it goes on from what is stored.',
        }),
      )
    }
    process.once('SIGINT', listener)
  })
  promise.catch(() => undefined)
  return { promise, dispose: () => process.removeListener('SIGINT', listener) }
}
