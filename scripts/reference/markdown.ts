import type { Field } from './schemas.ts'

/** A table of Markdown; a bar within a cell is escaped. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

export const code = (text: string) => `\`${text}\``

export function fieldTable(fields: Field[]): string {
  return table(
    ['field', 'type', 'needed', 'meaning'],
    fields.map(({ path, type, required, about }) => [code(path), type, required ? 'yes' : '', about]),
  )
}

export const block = (language: string, lines: string[]) => ['```'.concat(language), ...lines, '```'].join('\n')
