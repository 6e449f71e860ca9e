import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { follow, root, stepsOf } from '../support/guide.ts'
import { pythonWithMlflow } from './python.ts'

/** Types the guides and the READMEs of examples that need Python, as their reader would. */
const python = process.env['TEST_PYTHON'] ?? pythonWithMlflow()
const paths = ['docs/guides/*.md', 'examples/*/README.md'].flatMap((pattern) => globSync(pattern, { cwd: root }))
let [passed, failed, skipped] = [0, 0, 0]

for (const path of paths.sort()) {
  const text = readFileSync(join(root, path), 'utf8')
  const wanted = process.argv[2]
  if (!text.includes('<!-- needs Python') || (wanted !== undefined && !path.includes(wanted))) continue
  if (python === undefined) {
    process.stdout.write(`  skipped  ${path}  there is no Python with MLflow\n`)
    skipped += 1
    continue
  }
  const cwd = mkdtempSync(join(tmpdir(), 'keel-first-steps-'))
  const began = performance.now()
  try {
    if (path.startsWith('examples/')) cpSync(join(root, dirname(path)), cwd, { recursive: true })
    await follow(stepsOf(text), { cwd, name: path, python })
    passed += 1
    process.stdout.write(`  ok       ${path}  (${((performance.now() - began) / 1000).toFixed(1)} s)\n`)
  } catch (error) {
    failed += 1
    process.stdout.write(`  FAILED   ${path}  ${error instanceof Error ? error.message : String(error)}\n`)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exit(failed === 0 ? 0 : 1)
