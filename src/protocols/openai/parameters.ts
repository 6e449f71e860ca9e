import { invalidInput } from '../../core/errors.ts'
import type { Json } from '../json-body.ts'

/**
 * Refuses what would not be answered as it is asked, by its name. Everything else goes to the provider as it is, or is set by the
 * spec.
 */
export function checkParameters(body: Json): void {
  for (const name of ['n', 'best_of']) checkCount(name, body[name])
  const { stream, modalities, audio, stream_options: options } = body
  if (isGiven(stream) && typeof stream !== 'boolean')
    throw invalidInput('"stream" must be true or false.', { name: 'stream' })
  if (isGiven(options) && (typeof options !== 'object' || Array.isArray(options)))
    throw invalidInput('"stream_options" must be an object.', { name: 'stream_options' })
  const onlyText = Array.isArray(modalities) && modalities.every((modality) => modality === 'text')
  if (isGiven(modalities) && !onlyText) throw textOnly('modalities')
  if (isGiven(audio)) throw textOnly('audio')
}

function textOnly(name: string) {
  return invalidInput(`"${name}" asks for something else than text, and endpoints answer with text only.`, {
    name,
    hint: `Leave "${name}" out.`,
  })
}

const mostAnswers = 128

function checkCount(name: string, value: unknown): void {
  if (!isGiven(value)) return
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= mostAnswers) return
  throw invalidInput(`"${name}" must be a whole number from 1 to ${mostAnswers}.`, { name })
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
