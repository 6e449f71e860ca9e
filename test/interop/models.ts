import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../../src/app.ts'
import { createClient } from '../../src/client/client.ts'
import { routesOf } from '../../src/client/routes.ts'
import { type Api, api } from '../../src/contract.ts'
import { resolveConfig } from '../../src/core/config.ts'
import type { Signature } from '../../src/domains/registry/signature.ts'
import { askDoors, judge, type RunningModel, serveExport } from '../support/doors.ts'
import { createSuite } from '../support/suite.ts'
import { addPackages, lastLine, pythonWith } from './python-tools.ts'

/** Models as their libraries export them, by every door, with the library's own answers as the right ones. */
type ExportedModel = {
  name: string
  serves: 'binary' | 'regression' | 'multiclass'
  signature: Signature
  rows: Record<string, number | string>[]
  answers: (number | string)[]
  labels: (number | string)[]
}
type Exports = { made: ExportedModel[]; skipped: { name: string; reason: string }[] }

const tolerance = 1e-5
const { check, skip, end } = createSuite()

function same(found: unknown, right: number | string): boolean {
  if (typeof right === 'string') return found === right
  return typeof found === 'number' && Math.abs(found - right) <= tolerance * Math.max(1, Math.abs(right))
}

async function tried(served: RunningModel, folder: string, made: ExportedModel): Promise<void> {
  const { name, signature, rows, answers, labels } = made
  const bytes = readFileSync(join(folder, `${name}.onnx`))
  let version = 0
  await check(`${name}: registered`, async () => {
    const registered = await serveExport(served, { name, bytes, signature, serves: { output: made.serves } })
    version = registered.version
    return `answers with "${registered.signature?.output.found}"${(registered.warnings ?? []).map((one) => `; ${one}`)}`
  })
  if (version === 0) return
  await check(`${name}: every door`, async () => {
    const said = await askDoors(served, name, rows)
    for (const [door, found] of Object.entries(said))
      for (const [index, right] of answers.entries())
        if (!same(found[index], right)) throw new Error(`${door}, row ${index}: ${found[index]}, not ${right}`)
    return `${rows.length} rows by ${Object.keys(said).join(', ')}`
  })
  await check(`${name}: gate`, async () => {
    const said = await judge(served, { model: name, version, rows, labels })
    const right = expected(made)
    const found = Number(new RegExp(`${right.metric} ([0-9.e-]+)`).exec(said)?.[1])
    // Of a quantity the errors of single answers are relative to it.
    const scale = made.serves === 'regression' ? Math.max(...labels.map(Number)) : 1
    if (!(Math.abs(found - right.value) <= tolerance * Math.max(1, scale)))
      throw new Error(`${said}; expected ${right.metric} ${right.value}`)
    return `${right.metric} ${right.value}`
  })
}

/** What the gate measures when every answer is the library's own. */
function expected({ serves, answers, labels }: ExportedModel): { metric: string; value: number } {
  if (serves === 'regression') return { metric: 'mae', value: 0 }
  if (serves === 'multiclass') return { metric: 'accuracy', value: 1 }
  const losses = answers.map((answer, index) => {
    const chance = Math.min(1 - 1e-15, Math.max(1e-15, Number(answer)))
    return -Math.log(labels[index] === 1 ? chance : 1 - chance)
  })
  return { metric: 'log_loss', value: losses.reduce((sum, loss) => sum + loss, 0) / losses.length }
}

const found = pythonWith('models')
if ('missing' in found) skip('all models', found.missing)
else {
  for (const name of ['onnxmltools', 'lightgbm', 'xgboost-cpu'])
    if (!addPackages(found.python, [name])) skip(name, 'pip cannot install it')
  // Its builds without CUDA are not among pip's own packages, and those with it take 5 GB.
  const withTorch = process.env['INTEROP_TORCH'] === '1'
  if (withTorch && !addPackages(found.python, ['torch', 'onnxscript'])) skip('PyTorch', 'pip cannot install it')
  const folder = mkdtempSync(join(tmpdir(), 'keel-models-'))
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({ config: { ...config, port: '0', log: 'silent' }, root: folder })
  try {
    const { made, skipped: left } = lastLine<Exports>(found.python, 'models-make.py', [folder])
    const url = await app.listen({ port: 0 })
    const served = { app, url, client: createClient<Api>(routesOf(api), { url }) }
    for (const one of made) await tried(served, folder, one)
    for (const { name, reason } of left)
      skip(name, name === 'PyTorch' ? `${reason}; INTEROP_TORCH=1 installs it, with 5 GB of packages` : reason)
  } finally {
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
end()
