import { createHash } from 'node:crypto'
import { Name } from '../../core/contract.ts'
import { fits } from '../../core/validate.ts'

/**
 * Names here for names of MLflow's, which may hold anything but "/" and ":". Two that would become one are told apart by a piece of
 * their digest, always the same; a name that is one here already stays as it is.
 */
export function namesHere(given: string[]): Map<string, string> {
  const wanted = new Map(given.map((name) => [name, plainName(name)]))
  const takers = Map.groupBy(given, (name) => (wanted.get(name) ?? '').toLowerCase())
  return new Map(
    given.map((name) => {
      const plain = wanted.get(name) ?? ''
      const rivals = takers.get(plain.toLowerCase()) ?? []
      const first = rivals.find((rival) => rival === plain) ?? plain
      return [name, rivals.length === 1 || first === name ? plain : `${plain.slice(0, 120)}-${digestOf(name)}`]
    }),
  )
}

function plainName(name: string): string {
  if (fits(Name, name)) return name
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/-+$/, '')
    .slice(0, 128)
  return plain === '' ? `model-${digestOf(name)}` : plain
}

function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 6)
}
