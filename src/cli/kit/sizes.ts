import { invalidInput } from '../../core/errors.ts'

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `1.5 MiB` */
export function readableBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`
}

/** `12h` or `7d` in hours. */
export function graceHours(given: string): number {
  const match = /^(\d+(?:\.\d+)?)([hd])$/.exec(given)
  if (!match) throw invalidInput(`"${given}" is not a time.`, { name: given, hint: 'Write it as 12h or 7d.' })
  return Number(match[1]) * (match[2] === 'd' ? 24 : 1)
}
