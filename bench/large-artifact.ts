import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { memoryOf, throughAndBack } from '../test/support/large-file.ts'

const mebibytes = Number(process.argv[2] ?? 5 * 1024)
const root = mkdtempSync(join(tmpdir(), 'keel-large-'))
writeFileSync(join(root, 'keel.yaml'), 'project: large\n')
const launcher = fileURLToPath(new URL('../bin/keel.js', import.meta.url))
const child = spawn(process.execPath, [launcher, 'up', '--port', '0'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
try {
  let text = ''
  while (!/http:\/\/\S+:\d+/.test(text)) {
    const [chunk] = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
    text += String(chunk)
  }
  const url = /http:\/\/[^\s:]+:\d+/.exec(text)?.[0] ?? ''
  const before = memoryOf(child.pid ?? 0)
  const started = performance.now()
  const target = `${url}/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts/large.bin`
  const { sent, received } = await throughAndBack(target, mebibytes)
  const seconds = (performance.now() - started) / 1000
  const after = memoryOf(child.pid ?? 0)
  process.stdout.write(
    `${mebibytes} MiB up and down in ${seconds.toFixed(1)} s, digests ${sent === received ? 'equal' : 'DIFFER'}; ` +
      `resident memory ${before?.now.toFixed(0)} MiB before, ${after?.peak.toFixed(0)} MiB at most\n`,
  )
  if (sent !== received) process.exitCode = 1
} finally {
  child.kill('SIGTERM')
  await once(child, 'exit')
  rmSync(root, { recursive: true, force: true })
}
