import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore, startMlflow } from '../../bench/mlflow/sides.ts'
import { createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'

export type Result = { name: string; ok: boolean; detail: string; skipped?: boolean }

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const launcher = here('../../bin/keel.js')

type Counts = { what: string; source: number; here: number }[]

/** What the real MLflow wrote is taken over: from its running server, cut off by kill -9 and run again, and from its file. */
export async function importJourney(python: string, report: (result: Result) => void): Promise<void> {
  const store = await openStore('mlflow', undefined)
  try {
    const mlflow = await startMlflow(python, store)
    const url = `http://127.0.0.1:${mlflow.port}`
    let fromServer: Counts = []
    try {
      await step(report, 'import: MLflow is filled by its own client', () => runPython(python, 'mlflow-make.py', url))
      fromServer = await takeOver(report, python, url, 'its running server')
    } finally {
      await mlflow.stop()
    }
    const fromFile = await takeOver(report, python, join(store.folder, 'mlflow.db'), 'its database')
    await step(report, 'import: both ways bring the same', async () => {
      const [a, b] = [fromServer, fromFile].map((counts) =>
        JSON.stringify(counts.map(({ what, here }) => [what, here])),
      )
      if (a !== b) throw new Error(`${a} and ${b}`)
    })
  } finally {
    await store.drop()
  }
}

async function takeOver(
  report: (result: Result) => void,
  python: string,
  from: string,
  shown: string,
): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'keel-import-'))
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({ config: { ...config, port: '0', log: 'error' }, root: folder })
  const url = await app.listen({ port: 0 })
  const args = [launcher, 'import', 'mlflow', '--from', from, '--server', url, '--json']
  let counts: Counts = []
  try {
    await step(report, `import: from ${shown}, ended by kill -9`, () => killSoon(args))
    await step(report, `import: from ${shown}, run again`, async () => {
      counts = (JSON.parse(await output(process.execPath, args)) as { counts: Counts }).counts
      const wrong = counts.filter(({ source, here }) => source !== here)
      if (counts.length === 0 || wrong.length > 0) throw new Error(JSON.stringify(wrong))
    })
    await step(report, `import: from ${shown}, once more changes nothing`, async () => {
      const again = JSON.parse(await output(process.execPath, args)) as { counts: Counts; skipped: number }
      if (JSON.stringify(again.counts) !== JSON.stringify(counts) || again.skipped === 0) throw new Error('it differs')
    })
    await step(report, `import: from ${shown}, seen by MLflow's client`, () =>
      runPython(python, 'mlflow-check.py', url),
    )
  } finally {
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return counts
}

async function step(report: (result: Result) => void, name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
    report({ name, ok: true, detail: '' })
  } catch (error) {
    report({ name, ok: false, detail: error instanceof Error ? error.message.slice(-600) : String(error) })
  }
}

function runPython(python: string, script: string, url: string): Promise<void> {
  return output(python, [here(script), url]).then(() => undefined)
}

function output(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', PYTHONSAFEPATH: '1' }
    execFile(command, args, { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}\n${stdout}`))
      else resolve(stdout)
    })
  })
}

/** Lets it work for a moment, then ends it without a warning. */
async function killSoon(args: string[]): Promise<void> {
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise((resolve) => setTimeout(resolve, 700))
  child.kill('SIGKILL')
  await ended
}
