import { AppError } from '../../../core/errors.ts'
import type { Side } from './side.ts'

/**
 * The other side could not be asked at all: its file is damaged, its process ended, its server is out of reach. That says nothing
 * of the candidate, so nothing is judged; who reads it knows whose fault it is and what to do.
 */
export function faultOfBaseline(error: unknown, { model, name, given }: Side, against: string): AppError {
  const why = error instanceof Error ? error.message : String(error)
  const said = error instanceof AppError && error.hint !== undefined ? ` ${error.hint}` : ''
  return new AppError(
    'upstream_failed',
    `${against} could not be asked, and that is not the candidate's fault: ${why}${said}`,
    {
      name: given ? name : `${model}@${name.replace(/^v/, '')}`,
      hint: `Mend what answers it, ${given ? '' : `go back to a release that answers ("keel rollback ${model}"), `}or compare with something else ("against: baseline" in models/${model}.yaml).`,
      cause: error,
    },
  )
}
