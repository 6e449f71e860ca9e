import assert from 'node:assert/strict'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { typing } from '../../../test/support/typing.ts'
import { templateNames } from '../files/template.ts'

for (const template of templateNames) {
  test(`what "keel init --template ${template}" writes can be planned and applied as it is`, async (t) => {
    const cwd = temporaryFolder(t)
    const { url } = await testServer(t, { settings: { egress: '127.0.0.1' } })
    const { keel, shown } = typing({ url, cwd })
    await shown('init', '--template', template)
    const plan = await keel('plan')
    assert.equal(plan.code, 0, plan.stderr)
    assert.match(plan.stdout, /create +model +/)
    assert.match(await shown('apply'), /create +model +/)
    assert.match(readFileSync(join(cwd, 'keel.yaml'), 'utf8'), new RegExp(`^project: ${basename(cwd)}$`, 'm'))
    assert.match(readFileSync(join(cwd, '.gitignore'), 'utf8'), /^\.keel\/$/m)
    for (const path of globSync('**/*.yaml', { cwd })) {
      const kind = path === 'keel.yaml' ? 'keel' : path.split('/')[0]
      const [first = ''] = readFileSync(join(cwd, path), 'utf8').split('\n')
      const address = /^# yaml-language-server: \$schema=http:\/\/127\.0\.0\.1:5335(\/\S+)$/.exec(first)?.[1]
      assert.equal(address, `/schemas/${kind}.json`, path)
      assert.equal((await fetch(`${url}${address}`)).status, 200)
    }
  })
}

test('a template that would meet a file of one’s own writes nothing', async (t) => {
  const cwd = temporaryFolder(t)
  const { url } = await testServer(t)
  const { keel } = typing({ url, cwd })
  mkdirSync(join(cwd, 'models'))
  writeFileSync(join(cwd, 'models', 'churn.yaml'), 'mine')
  const refused = await keel('init', '--template', 'sklearn')
  assert.match(refused.stderr, /There is a "models\/churn\.yaml" here already/)
  assert.deepEqual(globSync('**/*.*', { cwd }), ['models/churn.yaml'])
})
