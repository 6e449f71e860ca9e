import { AppError } from '../errors.ts'

/**
 * Column names as they are stored: blanks around a name are dropped (the note says so), and two names that differ in nothing
 * but case or blanks are refused, because no reader could keep them apart.
 */
export function columnNames(given: readonly string[], shown: string): { names: string[]; notes: string[] } {
  const names = given.map((name) => name.trim())
  const seen = new Map<string, string>()
  for (const name of names) {
    if (name === '') throw unnamed(names.indexOf(name) + 1, shown)
    const plain = name.toLowerCase().replaceAll(/\s+/g, '')
    const earlier = seen.get(plain)
    if (earlier === name) throw refuse(`has the column "${name}" twice`, name, shown)
    if (earlier !== undefined)
      throw refuse(`has the columns "${earlier}" and "${name}", which differ in case or blanks only`, name, shown)
    seen.set(plain, name)
  }
  const trimmed = given.filter((name, index) => name !== names[index])
  const notes = trimmed.length === 0 ? [] : [`blanks around ${trimmed.length} column names were dropped`]
  return { names, notes }
}

function unnamed(position: number, shown: string): AppError {
  return new AppError('invalid_file', `${shown}: column ${position} has values and no name.`, {
    name: shown,
    hint: 'Name it in the header; pandas leaves its index out with to_csv(…, index=False).',
  })
}

function refuse(what: string, name: string, shown: string): AppError {
  return new AppError('invalid_file', `${shown} ${what}.`, { name, hint: 'Rename one of them.' })
}
