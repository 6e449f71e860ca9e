import { AppError } from '../../../core/errors.ts'
import { checkLabel, type OutputKind } from '../rules.ts'

const yes = new Set(['true', 'yes', 't', 'y'])
const no = new Set(['false', 'no', 'f', 'n'])

/** The label that a value of a source says, or what is wrong with it. */
export function labelOf(id: string, text: string, output: OutputKind): number | string {
  const value = numberOf(text.trim(), output)
  if (value === undefined) return `${JSON.stringify(text.slice(0, 40))} is no number`
  try {
    checkLabel(id, value, output)
    return value
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return error.message.replace(/\.$/, '')
  }
}

function numberOf(text: string, output: OutputKind): number | undefined {
  const word = text.toLowerCase()
  if (output === 'binary' && yes.has(word)) return 1
  if (output === 'binary' && no.has(word)) return 0
  const value = text === '' ? Number.NaN : Number(text)
  return Number.isNaN(value) ? undefined : value
}
