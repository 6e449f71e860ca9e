// Trains a logistic regression on a CSV file and writes it as ONNX with its signature:
//   node src/fit.ts --data train.csv --label late --features hour,distance,origin --categorical hour,origin --l2 1 \
//     --out model.onnx --metrics metrics.json
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseCsv } from './csv.ts'
import { columnNames, encode, learnInputs, type Row } from './encoding.ts'
import { type LogisticModel, predict, signatureOf, toOnnx } from './logistic-model.ts'
import { fitLogisticRegression } from './logistic-regression.ts'
import { auc, logLoss } from './metrics.ts'

type Options = {
  data: string
  label: string
  features: string[]
  categorical: string[]
  l2: number
  out: string
  metrics: string | undefined
}

export type Table = { rows: Row[]; labels: number[] }

/** Fits on a table; `features` are all inputs in order, `categorical` those of them that are one-hot encoded. */
export function train({ rows, labels }: Table, options: Pick<Options, 'features' | 'categorical' | 'l2'>) {
  const inputs = learnInputs(rows, options)
  const encoded = rows.map((row) => encode(inputs, row))
  const model: LogisticModel = {
    inputs,
    regression: fitLogisticRegression({ rows: encoded, labels, l2: options.l2 }),
  }
  const probabilities = rows.map((row) => predict(model, row))
  return { model, metrics: describe(model, labels, probabilities, options.l2) }
}

/** Reads label and features of a CSV with a header; empty fields are missing values. */
export function readTable(text: string, { label, features }: Pick<Options, 'label' | 'features'>): Table {
  const { header, rows } = parseCsv(text)
  const missing = [label, ...features].filter((name) => !header.includes(name))
  if (missing.length > 0) {
    throw new Error(`No column "${missing.join('", "')}" in the data; it has ${header.join(', ')}.`)
  }
  if (rows.length === 0) throw new Error('The data have no rows.')
  const column = (name: string) => rows.map((row) => row[header.indexOf(name)] ?? '')
  const columns = features.map((name) => ({ name, values: typed(column(name)) }))
  return {
    rows: rows.map((_, index) => Object.fromEntries(columns.map(({ name, values }) => [name, values[index] ?? null]))),
    labels: column(label).map(binary),
  }
}

/** Numbers when all values are written as numbers, else text as it stands; a code such as 02134 is not a number. */
function typed(values: readonly string[]): Row[string][] {
  const numeric = values.every((value) => value === '' || /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value))
  return values.map((value) => (value === '' ? null : numeric ? Number(value) : value))
}

function binary(value: string, index: number): number {
  if (value === '1' || value === 'true') return 1
  if (value === '0' || value === 'false') return 0
  throw new Error(`Row ${index + 1} has the label "${value}"; it must be 0 or 1.`)
}

function describe({ inputs, regression }: LogisticModel, labels: number[], probabilities: number[], l2: number) {
  return {
    log_loss: logLoss(labels, probabilities),
    auc: auc(labels, probabilities),
    n: labels.length,
    positive_rate: labels.reduce((sum, label) => sum + label, 0) / labels.length,
    l2,
    iterations: regression.iterations,
    intercept: regression.intercept,
    columns: columnNames(inputs).map((name, column) => ({
      name,
      coefficient: regression.coefficients[column],
      mean: regression.means[column],
      scale: regression.scales[column],
    })),
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      label: { type: 'string' },
      features: { type: 'string' },
      categorical: { type: 'string', default: '' },
      l2: { type: 'string', default: '1' },
      out: { type: 'string' },
      metrics: { type: 'string' },
    },
  })
  const { data, label, out, metrics } = values
  const categorical = list(values.categorical)
  const features = [...new Set([...list(values.features ?? ''), ...categorical])]
  const l2 = Number(values.l2)
  if (data === undefined || label === undefined || out === undefined || features.length === 0) {
    throw new Error('Needed: --data, --label, --features and --out.')
  }
  if (!(l2 >= 0)) throw new Error(`--l2 must be a number from 0, not "${values.l2}".`)
  return { data, label, features, categorical, l2, out, metrics }
}

function list(value: string): string[] {
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function main(): void {
  const options = readOptions()
  const table = readTable(readFileSync(options.data, 'utf8'), options)
  const { model, metrics } = train(table, options)
  writeFileSync(options.out, toOnnx(model))
  writeFileSync(join(dirname(options.out), 'signature.json'), `${JSON.stringify(signatureOf(model), null, 2)}\n`)
  if (options.metrics !== undefined) writeFileSync(options.metrics, `${JSON.stringify(metrics, null, 2)}\n`)
  process.stdout.write(
    `log_loss ${metrics.log_loss.toFixed(4)}  auc ${metrics.auc.toFixed(4)}  on the ${metrics.n} training rows\n`,
  )
}

if (import.meta.main) {
  try {
    main()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
