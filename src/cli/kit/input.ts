import { invalidInput } from '../../core/errors.ts'
import { exactInteger } from '../../core/json/json.ts'
import { isoOf, parseIsoTime } from '../../core/time.ts'

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
  const instant = parseIsoTime(given)
  if (instant === undefined)
    throw invalidInput(`"${given}" is not a time.`, {
      name: given,
      hint: 'Write it as 2001-05-01T12:00; without a zone it is UTC.',
    })
  return isoOf(instant)
}

/** `name=value` pairs; a value becomes a number or a boolean only where that prints back as it was typed: `007` stays text. */
export function assignments(
  pairs: string[],
  texts: readonly string[] = [],
): Record<string, string | number | bigint | boolean> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw invalidInput(`"${pair}" is not name=value.`, { name: pair })
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
      return [name, texts.includes(name) ? value : scalar(value)]
    }),
  )
}

function scalar(text: string): string | number | bigint | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^(0|-?[1-9]\d*)$/.test(text)) return exactInteger(text) ?? text
  return String(Number(text)) === text && Number.isFinite(Number(text)) ? Number(text) : text
}
