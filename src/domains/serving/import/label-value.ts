import { AppError } from '../../../core/errors.ts'
import type { Label } from '../../evaluation/evaluation.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { mask } from '../log/log.ts'
import { labelFor } from '../rules.ts'

const yes = new Set(['true', 'yes', 't', 'y'])
const no = new Set(['false', 'no', 'f', 'n'])

type Read = { label: Label } | { wrong: string }

/** The label that a value of a source says, or what is wrong with it. */
export function labelOf(id: string, text: string, serves: ModelSpec['serves']): Read {
  const value = readText(text.trim(), serves)
  if (value === undefined) return { wrong: `${JSON.stringify(text.slice(0, 40))} is no number` }
  try {
    const label = labelFor(id, value, serves)
    // As it is stored, so that a label that came before is known again.
    return { label: typeof label === 'string' ? mask(label) : label }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { wrong: error.message.replace(/\.$/, '') }
  }
}

function readText(text: string, { output, log }: ModelSpec['serves']): number | string | undefined {
  const word = text.toLowerCase()
  if (output === 'binary' && yes.has(word)) return 1
  if (output === 'binary' && no.has(word)) return 0
  // Where the log keeps no texts, the label of one can only be a score.
  const isNumber = output === 'binary' || output === 'regression' || (output === 'text' && log?.content !== true)
  if (!isNumber) return text
  const value = text === '' ? Number.NaN : Number(text)
  return Number.isNaN(value) ? undefined : value
}
