import { invalidInput } from '../../core/errors.ts'

type Row = Record<string, unknown>
type Field = { name: string }

/** Rows as objects by name, as lists in the order of the model's inputs, or as bare values of its only input. */
export function toInstances(instances: unknown[], fields: readonly Field[], path: string): Row[] {
  return instances.map((instance, index) => {
    if (Array.isArray(instance)) return ofList(instance, fields, `${path}[${index}]`)
    if (typeof instance === 'object' && instance !== null) return unwrapped(instance as Row)
    return ofList([instance], fields, `${path}[${index}]`)
  })
}

export function ofList(values: unknown[], fields: readonly Field[], path: string): Row {
  if (values.length !== fields.length) {
    const names = fields.map(({ name }) => name).join(', ')
    throw invalidInput(`"${path}" has ${values.length} values, and the model reads ${fields.length}: ${names}.`, {
      name: path,
    })
  }
  return Object.fromEntries(fields.map(({ name }, index) => [name, values[index]]))
}

/** Tensors of one element stand for that element. */
function unwrapped(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, Array.isArray(value) && value.length === 1 ? value[0] : value]),
  )
}

/** A table by columns: `{name: [values]}`. */
export function ofColumns(columns: Row, path: string): Row[] {
  const entries = Object.entries(columns).map(([name, values]): [string, unknown[]] => [
    name,
    Array.isArray(values) ? values : [values],
  ])
  const rows = entries[0]?.[1].length ?? 0
  for (const [name, values] of entries)
    if (values.length !== rows)
      throw invalidInput(`"${path}.${name}" has ${values.length} values, and others have ${rows}.`, { name })
  return Array.from({ length: rows }, (_, row) =>
    unwrapped(Object.fromEntries(entries.map(([name, values]) => [name, values[row]]))),
  )
}
