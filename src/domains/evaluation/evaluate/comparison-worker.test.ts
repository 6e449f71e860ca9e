import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

test('the thread that compares loads statistics only, for every gate starts one', () => {
  const worker = new URL('comparison-worker.ts', import.meta.url).href
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    await import(${JSON.stringify(worker)}).catch(() => undefined)
    console.log(loaded.join('\\n'))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  const loaded = stdout.trim().split('\n')
  assert.ok(
    loaded.some((url) => url.endsWith('/comparison/compare.ts')),
    stderr,
  )
  const own =
    /\/src\/(core\/(stats\/|error)|domains\/evaluation\/(comparison\/|evaluate\/comparison-worker|rules\.|text-of\.))/
  assert.deepEqual(
    loaded.filter((url) => url.startsWith('file:') && !own.test(url)),
    [],
  )
})
