import { invalidInput } from '../../core/errors.ts'

/** `flight-delay@2` -> model and version. */
export function modelVersion(given: string): { model: string; version: number } {
  const match = /^(.+)@v?(\d+)$/.exec(given)
  if (!match?.[1] || !match[2]) {
    throw invalidInput(`"${given}" is not a model version.`, { name: given, hint: 'Write it as flight-delay@2.' })
  }
  return { model: match[1], version: Number(match[2]) }
}

/** An ISO time; without a zone it is UTC. */
export function parseTime(given: string): string {
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(given)
  const complete = /^\d{4}-\d\d-\d\d$/.test(given) ? `${given}T00:00:00Z` : zoned ? given : `${given}Z`
  const date = new Date(complete)
  if (Number.isNaN(date.getTime()))
    throw invalidInput(`"${given}" is not a time.`, { name: given, hint: 'Write it as 2001-05-01T12:00.' })
  return date.toISOString()
}

/** `name=value` pairs; values that read as JSON numbers or booleans become such. */
export function assignments(pairs: string[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw invalidInput(`"${pair}" is not name=value.`, { name: pair })
      return [pair.slice(0, at), scalar(pair.slice(at + 1))]
    }),
  )
}

function scalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}
