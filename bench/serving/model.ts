import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeOnnx } from '../../examples/flights/src/onnx.ts'

export type Table = { columns: string[]; rows: number[][]; answers: number[] }

/** A linear model, of which next to nothing is computed, and a hundred trees. */
export type Kind = 'ridge' | 'forest'

/** Writes one scikit-learn model into the folder in every form that the servers want. */
export function makeModel(python: string, folder: string, kind: Kind = 'ridge'): Table {
  const script = fileURLToPath(new URL('make-model.py', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const { status, stderr } = spawnSync(python, ['-I', script, folder, kind], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`make-model.py failed: ${stderr.slice(-2_000)}`)
  return JSON.parse(readFileSync(join(folder, 'rows.json'), 'utf8')) as Table
}

/** Where there is no Python: a model that adds its inputs up, for what needs no other server. */
export function makeOwnModel(folder: string): Table {
  mkdirSync(folder, { recursive: true })
  const columns = Array.from({ length: 10 }, (_, index) => `x${index}`)
  const bytes = encodeOnnx({
    name: 'sum',
    inputs: columns.map((name) => ({ name, type: 'float', width: 1 })),
    outputs: [{ name: 'variable', type: 'float', width: 1 }],
    constants: [],
    nodes: [{ op: 'Sum', inputs: columns, output: 'variable' }],
  })
  writeFileSync(join(folder, 'model.onnx'), bytes)
  const rows = Array.from({ length: 100 }, (_, row) => columns.map((_, column) => ((row * 7 + column) % 20) / 4 - 2))
  const table = { columns, rows, answers: rows.map((row) => row.reduce((sum, value) => sum + value, 0)) }
  writeFileSync(join(folder, 'rows.json'), JSON.stringify(table))
  return table
}

/** One row a request, in the words of each protocol. */
export function bodiesOf({ columns, rows }: Table) {
  return {
    plain: rows.map((row) => ({ inputs: Object.fromEntries(columns.map((name, index) => [name, row[index]])) })),
    mlflow: rows.map((row) => ({ dataframe_split: { columns, data: [row] } })),
    oip: rows.map((row) => ({
      inputs: [{ name: 'predict', shape: [1, columns.length], datatype: 'FP64', data: row }],
    })),
    /** One tensor for each column, which makes about one KiB. */
    wide: rows.map((row, index) => ({
      id: `request-of-the-bench-${index}`.padEnd(330, '-').slice(0, 120),
      inputs: columns.map((name, at) => ({ name, shape: [1, 1], datatype: 'FP64', data: [row[at]] })),
      outputs: [{ name: 'output' }],
    })),
  }
}
