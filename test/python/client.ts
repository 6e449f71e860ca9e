import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The tests of the Python client against a server of this clone. Its last line counts, as those of every suite do. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const launcher = join(root, 'bin', 'keel.js')
const client = join(root, 'clients', 'python')
const python = process.env['TEST_PYTHON'] ?? 'python3'
const milliseconds = 120_000
const files: Record<string, string> = {
  'keel.yaml': 'project: churn\n',
  'sources/trips.yaml': `source: trips
owner: ann@team.example
vetted: { by: bob@team.example, on: '2025-01-01' }
time: at
`,
  'features/city.yaml': `entities:
  - { name: city, keys: [{ name: city, type: string }] }
views:
  - name: city_trips
    entity: city
    source: trips
    aggregates:
      - { feature: city_late, fn: mean, of: late, window: 1h }
services:
  - { name: city, request: [{ name: city, type: string }], features: ['city_trips:city_late'] }
`,
  'models/churn.yaml': `model: churn
owner: ann@team.example
backup: bob@team.example
purpose: Who is likely to leave, for the people who call.
serves: { output: binary }
golden: churn-golden
success:
  quality: { metric: auc, against: live, margin: 0.02 }
`,
  'trips.csv': `at,city,late\n${Array.from({ length: 20 }, (_, index) => `2025-01-01T00:${String(index + 10)}:00Z,Bonn,${index % 2}`).join('\n')}\n`,
}

if (spawnSync(python, ['--version']).status !== 0) {
  process.stdout.write(`Skipped: there is no ${python}.\n0 passed, 0 failed, 1 skipped\n`)
  process.exit(0)
}

const folder = mkdtempSync(join(tmpdir(), 'keel-python-'))
for (const [path, text] of Object.entries(files)) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
const server = spawn(process.execPath, [launcher, 'up', '--port', '0', '--json'], { cwd: folder })
const ended = new Promise<number | null>((resolve) => server.once('close', resolve))
let said = ''
server.stderr.pipe(process.stderr)

function address(): Promise<string> {
  return new Promise((resolve, reject) => {
    server.stdout.on('data', (chunk) => {
      said += chunk
      if (said.includes('\n')) resolve((JSON.parse(said.split('\n')[0] ?? '') as { url: string }).url)
    })
    ended.then((code) => reject(new Error(`The server ended with ${code}.`)))
  })
}

/** Python counts in words of its own: "Ran 24 tests", then "OK" or "FAILED (failures=1, errors=2, skipped=1)". */
function countsOf(text: string): [passed: number, failed: number, skipped: number] {
  const ran = Number(/^Ran (\d+) tests?/m.exec(text)?.[1] ?? 0)
  const number = (what: string) => Number(new RegExp(`\\b${what}=(\\d+)`).exec(text)?.[1] ?? 0)
  const failed = number('failures') + number('errors')
  return [Math.max(0, ran - failed - number('skipped')), failed, number('skipped')]
}

let counts: [number, number, number] = [0, 1, 0]
try {
  const environment = {
    ...process.env,
    KEEL_SERVER: await address(),
    KEEL_PROJECT: folder,
    KEEL_LAUNCHER: JSON.stringify([process.execPath, launcher]),
    PYTHONPATH: client,
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const child = spawn(python, ['-m', 'unittest', 'discover', '-v', '-s', join(client, 'tests')], { env: environment })
  const limit = setTimeout(() => child.kill('SIGKILL'), milliseconds)
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text += chunk
      process.stdout.write(chunk)
    })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(limit)
  const found = countsOf(text)
  if (code === 0 || found[1] > 0) counts = found
} finally {
  server.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
const [passed, failed, skipped] = counts
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
