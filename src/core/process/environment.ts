import { readEnvironment } from '../config.ts'

/** Where programs, their own files and the words of people are found. Nothing secret is ever kept in these. */
const everywhere = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ']

/** What a child sees of the server's environment: these and what is named, and nothing else. */
export function environmentOf(named: readonly string[] = []): Record<string, string> {
  const all = readEnvironment()
  return Object.fromEntries(
    [...everywhere, ...named].flatMap((name) => {
      const value = all[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
