import { invalidInput } from '../../core/errors.ts'
import { readRows } from './rows.ts'

export type Label = { id: string; value: number }

/** Labels of a file with the columns `id` and `value`: an id stays as it is written, and no empty value becomes a zero. */
export function readLabels(path: string, shown = path): Label[] {
  return readRows(path, shown, ['id']).map(({ id, value }, index) => {
    const wrong = (what: string) =>
      invalidInput(`"${shown}": row ${index + 1} ${what}.`, {
        name: shown,
        hint: 'It needs the columns "id", of the prediction, and "value", what turned out as a number.',
      })
    if (id === undefined || id === null || id === '') throw wrong('has no "id"')
    if (value === undefined || value === null) throw wrong('has no "value"')
    if (typeof value === 'boolean') return { id: String(id), value: Number(value) }
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw wrong(`has the value ${JSON.stringify(value)}, which is not a number`)
    return { id: String(id), value }
  })
}
