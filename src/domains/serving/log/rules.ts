import { createHash } from 'node:crypto'
import { hashUnit } from '../../../core/stats/random.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { OutputKind } from '../rules.ts'
import type { LogRecord } from './log-record.ts'

export type LogRules = {
  share: number
  uncertain: number
  omit: ReadonlySet<string>
  /** Texts are written down as they are but for what `mask` finds; else only their length is. */
  content: boolean
  kind: OutputKind | undefined
}

export function logRules(spec: ModelSpec['serves']['log'], kind: OutputKind | undefined): LogRules {
  return {
    share: spec?.sample === undefined ? 1 : Number(spec.sample.slice(0, -1)) / 100,
    uncertain: spec?.uncertain ?? 0,
    omit: new Set(spec?.omit),
    content: spec?.content ?? false,
    kind,
  }
}

type Outcome = Pick<LogRecord, 'id' | 'output' | 'bad' | 'fallback'> & { rollout: boolean }

/**
 * Whether a prediction is written down: the sample by a hash of its id (the same on every server and for every arm), and what
 * is worth looking at in any case: failures, slow and invalid answers, stand-ins, all traffic of a rollout, uncertain answers.
 */
export function keeps(rules: LogRules, outcome: Outcome): 'sampled' | 'forced' | 'no' {
  if (rules.share >= 1 || hashUnit(`log/${outcome.id}`) < rules.share) return 'sampled'
  const { bad, fallback, rollout, output } = outcome
  const uncertain = rules.kind === 'binary' && typeof output === 'number' && Math.abs(output - 0.5) < rules.uncertain
  return bad !== null || fallback || rollout || uncertain ? 'forced' : 'no'
}

export type Redactions = { count: number }

/** Takes out what must not be written down, before it waits in any buffer. */
export function redact(rules: LogRules, logged: LogRecord, done: Redactions): LogRecord {
  const clean = (value: LogRecord['output']) => (typeof value === 'string' ? cleaned(rules, value, done) : value)
  // A unit that is only the id, which stays as it is, names nobody.
  const unit = logged.unit === logged.id ? logged.unit : keptUnit(logged.unit)
  if (unit !== logged.unit) done.count += 1
  return {
    ...logged,
    inputs: cleanInputs(rules, logged.inputs, done),
    unit,
    // Items of a ranking are names that its labels repeat.
    output: rules.kind === 'ranking' ? logged.output : clean(logged.output),
  }
}

function cleanInputs(rules: LogRules, inputs: LogRecord['inputs'], done: Redactions): LogRecord['inputs'] {
  let copy: LogRecord['inputs'] | undefined
  for (const name of Object.keys(inputs)) {
    const value = inputs[name]
    const omitted = rules.omit.size > 0 && rules.omit.has(name)
    if (omitted) {
      copy ??= { ...inputs }
      delete copy[name]
      done.count += 1
    } else if (typeof value === 'string') {
      copy ??= { ...inputs }
      copy[name] = cleaned(rules, value, done)
    }
  }
  return copy ?? inputs
}

function cleaned({ kind, content }: LogRules, text: string, done: Redactions): string {
  if (kind === 'text' && !content) {
    done.count += 1
    return `[${text.length} characters]`
  }
  const masked = mask(text)
  if (masked !== text) done.count += 1
  return masked
}

/** A unit that names a person is a pseudonym; equal units stay equal, so that they keep their arm and can be counted. */
export function keptUnit(unit: string): string {
  return mask(unit) === unit ? unit : `unit-${createHash('sha256').update(unit).digest('hex').slice(0, 16)}`
}

const email = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+/g
const iban = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/g
const digits = /(?<![\w.])\+?\d(?:[ -]?\d){8,18}(?![\w.])/g

/** E-mail addresses, IBANs (ISO 13616 checksum), card numbers (Luhn) and telephone numbers become a word for what they were. */
export function mask(text: string): string {
  if (!/@|\d{4}|\d[ -]\d/.test(text)) return text
  return text
    .replaceAll(email, '[email]')
    .replaceAll(iban, (found) => (isIban(found.replaceAll(' ', '')) ? '[iban]' : found))
    .replaceAll(digits, (found) => {
      const plain = found.replaceAll(/\D/g, '')
      if (plain.length >= 13 && luhn(plain)) return '[card]'
      return /^\+|[ -]/.test(found) && plain.length <= 15 ? '[phone]' : found
    })
}

function isIban(text: string): boolean {
  let rest = 0
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}

function luhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = index % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
