import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { keel } from '../../../test/support/keel.ts'
import { misdeeds, startScorer } from '../../../test/support/scorer.ts'
import { serveRemote } from '../../../test/support/served.ts'
import { model } from '../../../test/support/trips.ts'

test('the prediction log is listed, all of it or what is marked, and one prediction says its marks', async (t) => {
  const scorer = await startScorer()
  t.after(() => scorer.close())
  const { url, ask } = await serveRemote(t, {
    serves: { upstream: { urls: [scorer.url], protocol: 'oip' } },
    baseline: 0.5,
  })
  const cwd = temporaryFolder(t)
  const run = (...args: string[]) => keel([...args, '--server', url], { cwd })
  await ask(0.25)
  await ask(misdeeds.nan)
  const all = await run('predictions', model, '--json')
  assert.equal((JSON.parse(all.stdout) as unknown[]).length, 3, all.stdout + all.stderr)
  const found = await run('predictions', model, '--mark', 'stand_in')
  assert.match(found.stdout, /trip-late\.r0 .*0\.5 +stand_in/)
  assert.doesNotMatch(found.stdout, /not_a_number/)
  const asked = await run('predict', model, `good=${misdeeds.nan}`)
  assert.match(asked.stdout, /^0\.5\ttrip-late\.r0 \(v0\)\t\S+\tstand_in/)
  const id = asked.stdout.split('\t')[2] ?? ''
  assert.match((await run('replay', id)).stdout, /marks +stand_in/)
  const unknown = await run('predictions', model, '--mark', 'standin')
  assert.match(unknown.stderr, /stand_in/)
})
