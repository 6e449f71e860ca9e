import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { InferenceSession } from 'onnxruntime-node'
import { readTable, train } from './fit.ts'

const script = fileURLToPath(new URL('./fit.ts', import.meta.url))
const csv = `id,hour,origin,code,rate,late
1,5,ORD,007,0.2,0
2,17,ORD,008,,1
3,5,BOS,007,0.1,0
4,17,BOS,008,0.4,1
5,17,,008,0.3,0
6,5,BOS,007,0.5,1
`

test('the command writes the model, its signature and its metrics', async (t) => {
  const folder = folderWith(t, csv)
  const { status, stdout } = fit(folder, [
    '--features',
    'rate',
    '--categorical',
    'hour,origin',
    '--metrics',
    'metrics.json',
  ])
  assert.equal(status, 0)
  assert.match(stdout, /^log_loss 0\.\d+ {2}auc [01]\.\d+ {2}on the 6 training rows\n$/)
  const session = await InferenceSession.create(join(folder, 'model.onnx'))
  assert.deepEqual([...session.inputNames], ['rate', 'hour', 'origin'])
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'signature.json'), 'utf8')), {
    inputs: [
      { name: 'rate', type: 'number' },
      { name: 'hour', type: 'number' },
      { name: 'origin', type: 'string' },
    ],
    output: { name: 'probability', type: 'number' },
  })
  const metrics = JSON.parse(readFileSync(join(folder, 'metrics.json'), 'utf8'))
  assert.equal(metrics.n, 6)
  assert.equal(metrics.positive_rate, 0.5)
  assert.deepEqual(
    metrics.columns.map(({ name }: { name: string }) => name),
    ['rate', 'hour=5', 'hour=17', 'origin=BOS', 'origin=ORD'],
  )
})

test('the same data give the same model file', (t) => {
  const [first, second] = [folderWith(t, csv), folderWith(t, csv)]
  for (const folder of [first, second]) fit(folder, ['--features', 'rate,hour'])
  assert.deepEqual(readFileSync(join(first, 'model.onnx')), readFileSync(join(second, 'model.onnx')))
})

const mistakes: [string, string[], RegExp, string?][] = [
  ['a column that is not there', ['--features', 'wind'], /No column "wind" in the data; it has id, hour, origin/],
  ['text among the numbers', ['--features', 'origin'], /"origin" holds the text "ORD": name it under --categorical/],
  ['no features', [], /Needed: --data, --label, --features and --out/],
  [
    'a penalty that is not a number',
    ['--features', 'rate', '--l2', 'much'],
    /--l2 must be a number from 0, not "much"/,
  ],
  ['an unknown option', ['--features', 'rate', '--depth', '3'], /--depth/],
  [
    'a label that is neither 0 nor 1',
    ['--features', 'rate'],
    /Row 2 has the label "maybe"/,
    'rate,late\n1,0\n2,maybe\n',
  ],
  ['no rows', ['--features', 'rate'], /no rows/, 'rate,late\n'],
]
for (const [what, options, expected, data = csv] of mistakes) {
  test(`${what} is refused with one line, and no model is written`, (t) => {
    const folder = folderWith(t, data)
    const { status, stderr } = fit(folder, options)
    assert.equal(status, 1)
    assert.match(stderr, expected)
    assert.equal(stderr.trim().split('\n').length, 1)
    assert.equal(existsSync(join(folder, 'model.onnx')), false)
  })
}

test('a code with leading zeros stays text, an empty field is a missing value', () => {
  const { rows, labels } = readTable(csv, { label: 'late', features: ['code', 'rate', 'origin'] })
  assert.deepEqual(rows[1], { code: '008', rate: null, origin: 'ORD' })
  assert.deepEqual(rows[4], { code: '008', rate: 0.3, origin: null })
  assert.deepEqual(labels, [0, 1, 0, 1, 0, 1])
})

test('the training log loss is below that of always saying the share of positives', () => {
  const table = readTable(csv, { label: 'late', features: ['hour', 'rate'] })
  const { metrics } = train(table, { features: ['hour', 'rate'], categorical: [], l2: 0.1 })
  assert.ok(metrics.log_loss < Math.LN2)
})

function folderWith(t: TestContext, data: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'flights-fit-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'train.csv'), data)
  return folder
}

function fit(cwd: string, options: string[]) {
  const fixed = ['--data', 'train.csv', '--label', 'late', '--out', 'model.onnx']
  return spawnSync(process.execPath, [script, ...fixed, ...options], { cwd, encoding: 'utf8' })
}
