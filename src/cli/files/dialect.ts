import type { TableOptions } from '../../core/tables/tables.ts'
import { oneOf, text, type Values } from '../kit/kit.ts'

/** How a file of rows is written, where it cannot be told from the file. */
export const dialectOptions = {
  encoding: text('of the text: utf-8, windows-1252, …', 'name'),
  separator: text('between fields: , ; | or tab', 'sign'),
  decimal: oneOf(['.', ','], 'the decimal mark'),
  timeFormat: text('of times that are not ISO 8601, in the letters of strptime: %d/%m/%Y %H:%M', 'format'),
}

export function dialect({ encoding, separator, decimal, timeFormat }: Values<typeof dialectOptions>): TableOptions {
  return { encoding, separator, decimal, timeFormat }
}
