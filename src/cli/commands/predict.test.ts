import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { begin } from '../../../test/support/logged.ts'
import { model } from '../../../test/support/trips.ts'
import { typing } from '../../../test/support/typing.ts'

/** A live model that is wrong about Ulm, asked 240 times, in a folder of its own. */
async function start(t: TestContext, requests = 0) {
  const cwd = temporaryFolder(t)
  const here = await begin(t)
  const labels = ['id,value']
  for (let index = 0; index < requests; index++) {
    const city = index % 2 === 0 ? 'Bonn' : 'Ulm'
    await here.client.serving.predict({ endpoint: model, id: `p${index}`, inputs: { city, good: 0.9, wrong: 0.1 } })
    labels.push(`p${index},${city === 'Bonn' ? 1 : 0}`)
  }
  writeFileSync(join(cwd, 'labels.csv'), `${labels.join('\n')}\n`)
  return { ...here, ...typing({ url: here.url, cwd }), cwd }
}

test('one request is answered, written down and run again; the endpoint says who answers', async (t) => {
  const { shown, keel, app } = await start(t)
  const asked = await keel('predict', model, 'city=Bonn', 'good=0.7', 'wrong=0.3', '--id', 'mine', '--unit', 'ann')
  assert.match(asked.stdout, /^0\.69999\d*\ttrip-late\.r1 \(v1\)\tmine\n$/)
  assert.match(asked.stderr, /Next: keel replay mine/)
  assert.match((await keel('predict', model, 'city')).stderr, /"city" is not name=value/)
  await app.worker.drain()
  assert.match(
    await shown('replay', 'mine', '--on', '1'),
    /answered +0\.69999\d* by trip-late\.r1[\s\S]*replayed +0\.69999/,
  )
  assert.match(await shown('endpoints', 'list'), /trip-late +ready +trip-late\.r1/)
  assert.match(await shown('endpoints', 'show', model), /requests +1 since[\s\S]*trip-late\.r1 +v1 +onnx +ready/)
  assert.match(await shown('endpoints', 'shadow', model, '--from', '2025-01-01'), /has had no shadow/)
  assert.match(await shown('open', model), /\/models\/trip-late\n$/)
})

test('the rows of a file get their predictions; a row that cannot be answered stops it or gets its reason', async (t) => {
  const { keel, shown, cwd } = await start(t)
  writeFileSync(join(cwd, 'rows.csv'), 'city,good,wrong\nBonn,0.25,0.1\nUlm,0.5,0.1\n')
  assert.match(
    await shown('predict', `${model}@1`, '--input', 'rows.csv', '--output', 'out.csv'),
    /^2 rows, answered by v1/,
  )
  const [header = '', first = ''] = readFileSync(join(cwd, 'out.csv'), 'utf8').split('\n')
  assert.match(header, /^city,good,wrong,/)
  assert.match(first, /^Bonn,0\.25,0\.1,.*0\.25/)
  const missing = await keel('predict', model, '--input', 'rows.csv')
  assert.deepEqual([missing.code, /--output is missing/.test(missing.stderr)], [2, true])
  writeFileSync(join(cwd, 'bad.csv'), 'city,good,wrong\nBonn,0.25,0.1\nUlm,much,0.1\n')
  const refused = await keel('predict', model, '--input', 'bad.csv', '--output', 'bad-out.csv')
  assert.match(refused.stderr, /row 2\b[\s\S]*--skip-invalid/)
  await shown('predict', model, '--input', 'bad.csv', '--output', 'bad-out.csv', '--skip-invalid', '--force')
  assert.match(readFileSync(join(cwd, 'bad-out.csv'), 'utf8'), /_error/)
})

test('outcomes are reported by id, and what keeps going wrong gets its cause and becomes golden examples', async (t) => {
  const { shown, keel, data } = await start(t, 240)
  assert.equal(await shown('label', model, 'labels.csv'), '240 labels stored.\n')
  assert.match(await shown('label', model, 'labels.csv'), /240 of the predictions had one before/)
  const [group] = await data<{ id: string; title: string }[]>('failures', model, '--limit', '5')
  assert.match(group?.title ?? '', /Ulm/)
  const id = group?.id ?? ''
  const wrong = await keel('failures', 'code', id, 'eval.golden_gap', '--should-have-caught', 'evals')
  assert.deepEqual([wrong.code, /Did you mean "eval"\?/.test(wrong.stderr)], [2, true])
  assert.equal(
    await shown('failures', 'code', id, 'eval.golden_gap', '--should-have-caught', 'eval'),
    `${id}: eval.golden_gap\n`,
  )
  assert.match(await shown('failures', 'add', id, '--examples', '3'), /^3 examples added: trip-?s-golden v2/)
  assert.match(await shown('golden', 'list'), /trips-golden +2 +203/)
  assert.match(await shown('golden', 'items', 'trips-golden', '--version', '2', '--limit', '2'), /item .*by/)
})

test('decisions, readiness, status, drift and the audit log say what was recorded', async (t) => {
  const { shown, data, keel } = await start(t, 2)
  await shown('decide', 'Keep the margin', '--reason', 'two weeks of labels', '--model', model, '--evidence', 'gate_1')
  assert.match(await shown('review', model), /local +trip-late +Keep the margin +two weeks of labels/)
  assert.match(await shown('readiness', model), /^Score \d/)
  assert.match(await shown('status'), /trip-late/)
  const drift = await keel('drift', model, '--against', 'last-week')
  assert.deepEqual([drift.code, drift.stdout.trim()], [4, 'Cannot tell: no window with requests is complete yet.'])
  const found = await data<{ type: string }[]>('events', '--type', 'review.decided', '--limit', '1')
  assert.deepEqual(
    found.map(({ type }) => type),
    ['review.decided'],
  )
})

test('alerts are silenced for a time or again and again, and the silence is ended', async (t) => {
  const { shown, keel, data } = await start(t)
  assert.equal(await shown('alerts', model, '--firing'), 'None.\n')
  assert.match(await shown('alerts', 'rules', model), /pages of this week are used/)
  const until = ['alerts', 'silence', model, '--until', '2026-01-03', '--signal', 'bias', '--reason', 'a reload']
  assert.match(await shown(...until), /trip-late bias until 2026-01-03/)
  const weekly = ['--every', '0 2 * * 0', '--for', '3h', '--zone', 'Europe/Berlin']
  assert.match(
    await shown('alerts', 'silence', '--maintenance', ...weekly, '--reason', 'upgrade'),
    /"0 2 \* \* 0" Europe\/Berlin, 3h each/,
  )
  const all = await data<{ id: string; kind: string }[]>('alerts', 'silences')
  assert.deepEqual(all.map(({ kind }) => kind).sort(), ['maintenance', 'silence'])
  assert.match(await shown('alerts', 'unsilence', all[0]?.id ?? ''), /has ended/)
  const unknown = await keel('alerts', 'show', 'alert_none')
  assert.equal(unknown.code, 2)
  assert.equal((await keel('alerts', 'judge', 'alert_none', '--verdict', 'noise')).code, 2)
})

test('two files are compared as another tool does, and a drift is exit code 3 when asked', async (t) => {
  const { keel, cwd, shown } = await start(t)
  const column = (shift: number) => Array.from({ length: 200 }, (_, index) => (index % 20) + shift)
  writeFileSync(join(cwd, 'before.csv'), `x\n${column(0).join('\n')}\n`)
  writeFileSync(join(cwd, 'after.csv'), `x\n${column(30).join('\n')}\n`)
  assert.match(await shown('drift', 'before.csv', 'before.csv', '--compat', 'nannyml'), /0 of 1 judged columns drifted/)
  const { code, stdout } = await keel('drift', 'before.csv', 'after.csv', '--compat', 'evidently', '--check')
  assert.deepEqual([code, /1 of 1 judged columns drifted/.test(stdout)], [3, true])
  assert.match((await keel('drift', 'before.csv', '--compat', 'evidently')).stderr, /Two files are compared/)
})
