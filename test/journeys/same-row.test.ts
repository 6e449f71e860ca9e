import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { AppError } from '../../src/core/errors.ts'
import type { Signature } from '../../src/domains/registry/signature.ts'
import { testServer } from '../support/context.ts'
import { askDoors, judge, registerExport, serveExport } from '../support/doors.ts'

const fixture = (name: string) => readFileSync(new URL(`../fixtures/models/${name}.onnx`, import.meta.url))

const signatureOf = (inputs: Signature['inputs'], name = 'y'): Signature => ({
  inputs,
  output: { name, type: 'number' },
})
const number = (name: string) => ({ name, type: 'number' as const })
const people = signatureOf(['age', 'tenure', 'calls'].map(number), 'probability')

function near(said: Record<string, unknown[]>, wanted: readonly number[], tolerance: number): void {
  for (const [door, answers] of Object.entries(said))
    for (const [index, right] of wanted.entries())
      assert.ok(Math.abs(Number(answers[index]) - right) < tolerance, `${door}, row ${index}: ${answers[index]}`)
}

async function begin(t: TestContext) {
  return testServer(t)
}

for (const name of ['zipmap', 'label-and-probabilities'])
  test(`every door answers with the probability of a classifier (${name}), and so does the gate`, async (t) => {
    const served = await begin(t)
    const rows = [
      { age: 0.346, tenure: 0.822, calls: 0.33 },
      { age: -1.303, tenure: 0.905, calls: 0.446 },
      { age: -0.537, tenure: 0.581, calls: 0.365 },
    ]
    const right = [0.5282874069571262, 0.1890992017349822, 0.3241486307303586]
    const { version } = await serveExport(served, {
      name: 'm',
      bytes: fixture(name),
      signature: people,
      serves: { output: 'binary' },
    })
    near(await askDoors(served, 'm', rows), right, 1e-6)
    const loss = -right.reduce((sum, chance) => sum + Math.log(1 - chance), 0) / right.length
    const said = await judge(served, { model: 'm', version, rows, labels: [0, 0, 0] })
    const found = Number(/log_loss ([0-9.]+)/.exec(said)?.[1])
    assert.ok(Math.abs(found - loss) < 1e-6, said)
  })

for (const name of ['one-row', 'rank-1'])
  test(`a model that takes one row at a time, or rank 1 (${name}), answers alike by every door and in the gate`, async (t) => {
    const served = await begin(t)
    const signature = signatureOf([number('x')])
    const serves = { output: 'regression' as const }
    const { version } = await serveExport(served, { name: 'm', bytes: fixture(name), signature, serves })
    const rows = Array.from({ length: 5 }, (_, index) => ({ x: index }))
    const said = await askDoors(served, 'm', rows)
    const labels = (said['predict'] ?? []).map(Number)
    near(said, labels, 1e-9)
    assert.equal(new Set(labels).size, rows.length)
    assert.match(await judge(served, { model: 'm', version, rows, labels }), /mae 0(,|$)/)
  })

test('a category is the text that it is, whatever it looks like', async (t) => {
  const served = await begin(t)
  const signature = signatureOf([{ name: 'code', type: 'string' }, number('size')])
  const serves = { output: 'regression' as const }
  const { version } = await serveExport(served, { name: 'm', bytes: fixture('categories'), signature, serves })
  const right = { '007': 0.5, '7': 100.5, '1e3': 200.5, true: 300.5, null: 400.5, '': 500.5, ' 7': 600.5, café: 700.5 }
  const rows = Object.keys(right).map((code) => ({ code, size: 0.5 }))
  near(await askDoors(served, 'm', rows), Object.values(right), 0.1)
  const refused = Object.values(await askDoors(served, 'm', [{ code: null, size: 0.5 }])).flat()
  assert.deepEqual([...new Set(refused)], ['refused 400: The input "code" is missing.'])
  const mae = /mae ([0-9.]+)/.exec(await judge(served, { model: 'm', version, rows, labels: Object.values(right) }))
  assert.ok(Number(mae?.[1]) < 0.1)
})

test('a missing number is refused by every door and by the gate, until signature or spec say that it may be missing', async (t) => {
  const served = await begin(t)
  const rows = [
    { income: 50, age: 40 },
    { income: null, age: 40 },
    { income: 7, age: null },
  ]
  const labels = [90, 540, 7]
  const strict = signatureOf([number('income'), number('age')])
  const serves = { output: 'regression' as const }
  const bytes = fixture('missing')
  const { version } = await serveExport(served, { name: 'strict', bytes, signature: strict, serves })
  for (const [door, answers] of Object.entries(await askDoors(served, 'strict', rows)))
    assert.deepEqual(
      answers,
      [90, 'refused 400: The input "income" is missing.', 'refused 400: The input "age" is missing.'],
      door,
    )
  assert.match(
    await judge(served, { model: 'strict', version, rows, labels }),
    /Item "r1" of the golden set "strict-golden": The input "income" is missing/,
  )
  const signed = signatureOf([{ ...number('income'), missing: true }, number('age')])
  const lenient = { name: 'lenient', bytes, signature: signed, serves: { ...serves, missing: ['age'] } }
  const allowed = await serveExport(served, lenient)
  near(await askDoors(served, 'lenient', rows), labels, 1e-9)
  assert.match(await judge(served, { model: 'lenient', version: allowed.version, rows, labels }), /mae 0(,|$)/)
})

test('a model that cannot be asked as its signature says, or cannot answer what is served, is refused with the way out', async (t) => {
  const served = await begin(t)
  const refused = async (given: Parameters<typeof registerExport>[1], message: RegExp, hint: RegExp) =>
    assert.rejects(registerExport(served, given), (error: AppError) => {
      assert.ok(error instanceof AppError)
      assert.deepEqual([error.code, error.status], ['model_mismatch', 422])
      assert.match(error.message, message)
      assert.match(error.hint ?? '', hint)
      return true
    })
  const binary = { output: 'binary' as const }
  const value = { output: 'regression' as const }
  const zipmap = { name: 'm', bytes: fixture('zipmap'), signature: people }
  await refused({ ...zipmap, serves: value }, /"output_label" int64 \[N\]; "output_probability"/, /"kind":"value"/)
  const renamed = signatureOf([number('Age'), number('tenure'), number('calls')])
  await refused(
    { ...zipmap, signature: renamed, serves: binary },
    /reads "age" float32 \[N, 1\], which is not among/,
    /"columns": \{"age":\["Age"\]\}/,
  )
  await refused(
    { ...zipmap, signature: { ...people, inputs: [...people.inputs, number('tenur')] }, serves: binary },
    /has the input "tenur", which the model does not read: "age" float32/,
    /"tenure"/,
  )
  await refused(
    { ...zipmap, serves: { ...binary, missing: ['tenures'] } },
    /"serves.missing" in the spec names "tenures", which is no input of the model: age, tenure, calls/,
    /"tenure"/,
  )
  await refused(
    { ...zipmap, signature: { ...people, output: { name: 'chance_of_leaving', type: 'number' } }, serves: binary },
    /has the output "chance_of_leaving", which the model does not have: "output_label" int64/,
    /"output": \{"name":"output_probability","type":"number"\}/,
  )
  const text = signatureOf([number('code'), number('size')])
  await refused(
    { name: 'm', bytes: fixture('categories'), signature: text, serves: value },
    /"code" string \[N, 1\] is not what the signature says of "code": number/,
    /"type": "string"/,
  )
  const { signature } = await registerExport(served, {
    ...zipmap,
    signature: { ...renamed, columns: { age: ['Age'] }, output: people.output },
    serves: binary,
  })
  assert.equal(signature?.output.found, 'output_probability')
})
