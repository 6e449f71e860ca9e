import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse as parseYaml } from 'yaml'
import { realClock } from '../../src/core/clock.ts'
import { parse } from '../../src/core/validate.ts'
import { SourceFile } from '../../src/domains/datasets/contract.ts'
import { SpecFile } from '../../src/domains/registry/spec/spec.ts'
import { testServer } from '../support/context.ts'
import { temporaryFolder } from '../support/folder.ts'
import { typing } from '../support/typing.ts'

const guide = readFileSync(new URL('../../docs/guides/elsewhere.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}))
const day = 86_400_000

/** A Python that has scikit-learn: one that is named, one that the interop tests made, or that of the machine. */
function findPython(): string | undefined {
  const made = fileURLToPath(new URL('../../.cache/models/bin/python', import.meta.url))
  const candidates = [process.env['TEST_PYTHON'], existsSync(made) ? made : undefined, 'python3']
  return candidates.find(
    (python) => python !== undefined && spawnSync(python, ['-c', 'import sklearn, pandas']).status === 0,
  )
}

/** What the service of the guide writes, in the same form, where there is no scikit-learn. */
function playService(cwd: string): void {
  const today = Math.floor(Date.now() / day) * day
  const findings = ['case,at,benign']
  for (const folder of ['answers', 'findings']) mkdirSync(join(cwd, folder))
  for (let index = 0; index < 12; index++) {
    const answers = ['request,at,score,build,radius,texture,smoothness']
    for (let number = 200 + 30 * index; number < 230 + 30 * index; number++) {
      const at = today + (index - 16) * day + (number % 30) * 20 * 60_000
      const score = ((number * 37) % 100) / 100
      answers.push(`case-${number},${new Date(at).toISOString()},${score},1.4.0,${10 + score},19.5,0.09`)
      findings.push(`case-${number},${new Date(at + 2 * day).toISOString()},${Number(score > 0.4)}`)
    }
    writeFileSync(join(cwd, `answers/${String(index + 1).padStart(2, '0')}.csv`), `${answers.join('\n')}\n`)
  }
  writeFileSync(join(cwd, 'findings/pathology.csv'), `${findings.join('\n')}\n`)
}

test('every command of the guide to a service elsewhere works as it stands, and its rows are judged', async (t) => {
  const cwd = temporaryFolder(t)
  const { app, client, url } = await testServer(t, { root: cwd, clock: realClock })
  const { shown } = typing({ url, cwd })
  for (const { text } of blocks) {
    const [, path] = /^# (\S+\.(?:py|yaml))\n/.exec(text) ?? []
    if (path === undefined) continue
    mkdirSync(dirname(join(cwd, path)), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
  const said: string[] = []
  const python = findPython()
  t.diagnostic(python ?? 'no scikit-learn here: the service is played')
  for (const line of blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.trim().split('\n'))) {
    const [program, ...words] = line.split(' ')
    if (program === 'keel') said.push(await shown(...words))
    else if (python === undefined) playService(cwd)
    else {
      const { status, stderr } = spawnSync(python, words, { cwd, encoding: 'utf8' })
      assert.equal(status, 0, stderr)
    }
  }
  assert.ok(said.length >= 7)
  const run = said[2] ?? ''
  assert.match(run, /recorded +360 \(360 in all\)/)
  assert.match(run, /labels stored +360 \(360 in all\)/)
  await app.worker.drain()
  const { window } = await client.monitoring.drift({ model: 'tumour' })
  assert.deepEqual([window?.requests, window?.labelled, window?.release], [30, 30, '1.4.0'])

  // The service goes on: a line more, one that is broken, and a finding that is corrected.
  const at = new Date(Date.now() - day).toISOString()
  appendFileSync(join(cwd, 'answers/12.csv'), `case-900,${at},0.5,1.5.0,12,19,0.1\nbroken\n`)
  appendFileSync(join(cwd, 'findings/pathology.csv'), `case-900,${at},1\ncase-200,${at},0\ncase-201,${at},perhaps\n`)
  const again = await shown('imports', 'run', 'tumour')
  assert.match(again, /recorded +1 \(361 in all\)/)
  assert.match(again, /bad in the source +1: keel data show findings/)
  assert.match(await shown('data', 'show', 'findings'), /pathology\.csv +363 +"benign": "perhaps" must be an integer/)
  assert.equal((await client.serving.getPrediction({ prediction: 'case-200' })).label, 0)
  assert.match(
    await shown('data', 'show', 'answers'),
    /12\.csv +31 +has 1 fields, the header has 7|12\.csv +32 +has 1 fields/,
  )
  const { items } = await client.delivery.listReleases({ model: 'tumour' })
  assert.ok(items.length >= 1)
})

test('every line of grammar in the guide to a service elsewhere is one that the files may have', () => {
  const lines = blocks
    .filter(({ language, text }) => language === 'yaml' && !text.startsWith('# '))
    .map(({ text }) => text)
  assert.equal(lines.length, 3)
  const each = lines.flatMap((text) => text.split(/\n(?=\w)/).map((part) => parseYaml(part) as Record<string, unknown>))
  assert.equal(each.length, 8)
  for (const part of each) {
    if ('from' in part) parse(SourceFile, { source: 'a', owner: 'ann', ...part })
    else
      parse(SpecFile, {
        model: 'a',
        owner: 'ann',
        backup: 'bob',
        purpose: 'To see whether it can be read.',
        serves: { output: 'binary' },
        ...part,
      })
  }
})
