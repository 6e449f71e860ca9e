import { invalidInput } from '../../core/errors.ts'
import type { Row } from '../../core/onnx.ts'

/** The text with each `{{ column }}` replaced by the row's value. */
export function filled(template: string, row: Row): string {
  return template.replaceAll(/\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}/g, (_, name: string) => {
    const value = Object.hasOwn(row, name) ? row[name] : undefined
    if (value !== undefined && value !== null) return String(value)
    throw invalidInput(`The prompt reads "${name}", which an item of the golden set does not have.`, { name })
  })
}
