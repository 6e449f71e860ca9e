import { Ajv } from 'ajv'
import { RE2JS } from 're2js'
import { AppError, invalidInput } from '../../../core/errors.ts'
import type { Scorer } from '../../registry/spec/spec.ts'
import type { AnswerToScore } from './answer-to-score.ts'
import { requireField } from './require-field.ts'

/** The answer matches the pattern of the scorer, or its own label as one. */
export function patternMatch({ name, pattern }: Scorer): (answer: AnswerToScore) => boolean {
  const fixed = pattern === undefined ? undefined : compilePattern(pattern, name)
  return ({ expected, answer }) => (fixed ?? compilePattern(expected, name)).matcher(answer).find()
}

/** The answer is JSON that fits the schema of the scorer. */
export function schemaValidation(scorer: Scorer): (answer: AnswerToScore) => boolean {
  const { name } = scorer
  const schema = requireField(scorer, 'schema')
  const regExp = Object.assign(
    (pattern: string) => {
      const re2 = compilePattern(pattern, name)
      return { test: (text: string) => re2.matcher(text).find() }
    },
    { code: 'RE2JS' },
  )
  let validate: (value: unknown) => unknown
  try {
    validate = new Ajv({ strict: false, code: { regExp: regExp as never } }).compile(schema)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    throw invalidInput(`The schema of "${name}" is not valid: ${message}`, { name, cause })
  }
  return ({ answer }) => {
    let value: unknown
    try {
      value = JSON.parse(answer)
    } catch {
      // An answer that is not JSON does not fit the schema.
      return false
    }
    return validate(value) === true
  }
}

/** RE2 takes time linear in the length of the answer, whatever the pattern. */
function compilePattern(pattern: string, name: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (cause) {
    throw invalidInput(`The pattern of "${name}" is not valid: ${pattern.slice(0, 80)}`, {
      name,
      hint: 'Patterns follow RE2: no look-around and no back-references.',
      cause,
    })
  }
}
