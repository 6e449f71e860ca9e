import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { typing } from '../../../test/support/typing.ts'

const nobody = 'http://127.0.0.1:9'

test('keel compare judges two files in an empty folder, without a server, with the exit codes of a gate', async (t) => {
  const cwd = temporaryFolder(t)
  const { keel, data } = typing({ url: nobody, cwd })
  const rows = Array.from({ length: 300 }, (_, index) => ({
    id: String(index),
    y: index % 3,
    good: index % 10 === 0 ? 9 : index % 3,
  }))
  const lines = rows.map(({ id, y, good }) => JSON.stringify({ id, y, answer: good }))
  writeFileSync(join(cwd, 'base.jsonl'), lines.join('\n'))
  const csv = (answer: (index: number) => number) =>
    ['id;answer', ...rows.map(({ id }, index) => `${id};${answer(index)}`)].reverse()
  const write = (name: string, answer: (index: number) => number) => {
    const [header = '', ...body] = csv(answer).reverse()
    writeFileSync(join(cwd, name), [header, ...body.reverse()].join('\n'))
  }
  write('same.csv', (index) => (index % 10 === 5 ? 9 : index % 3))
  write('worse.csv', (index) => (index % 2 === 0 ? 9 : index % 3))
  const ask = (file: string, ...more: string[]) =>
    keel('compare', 'base.jsonl', file, '--label', 'y', '--metric', 'accuracy', ...more)
  const pass = await ask('same.csv', '--margin', '0.1')
  assert.equal(pass.code, 0, pass.stderr)
  assert.match(pass.stdout, /^PASS {2}accuracy is not worse than base\.jsonl by more than 0\.1/)
  assert.match(pass.stdout, /300 items, paired by "id"\. Method: Tango score\./)
  assert.match(pass.stderr, /same\.csv.*separator|separator.*same\.csv|";"/)
  assert.equal((await ask('worse.csv', '--margin', '0.1')).code, 3)
  assert.equal((await ask('same.csv', '--margin', '0.001')).code, 4)
  assert.equal((await ask('gone.csv', '--margin', '0.1')).code, 2)
  assert.match((await ask('same.csv')).stderr, /--margin/)
  const found = await data<{ verdict: string; n: number }>(
    'compare',
    'base.jsonl',
    'same.csv',
    '--label',
    'y',
    '--metric',
    'accuracy',
    '--margin',
    '0.1',
  )
  assert.deepEqual([found.verdict, found.n], ['pass', 300])
})

test('keel compare and keel drift cannot tell of a file without rows, and end with 4 whether or not a check was asked for', async (t) => {
  const cwd = temporaryFolder(t)
  const { keel } = typing({ url: nobody, cwd })
  writeFileSync(
    join(cwd, 'some.csv'),
    ['id,y,answer', ...Array.from({ length: 40 }, (_, row) => `${row},1,0.${row}`)].join('\n'),
  )
  writeFileSync(join(cwd, 'header.csv'), 'id,y,answer\n')
  writeFileSync(join(cwd, 'empty.jsonl'), '')
  for (const file of ['header.csv', 'empty.jsonl']) {
    for (const files of [
      ['some.csv', file],
      [file, 'some.csv'],
      [file, file],
    ]) {
      const compared = await keel('compare', ...files, '--label', 'y', '--metric', 'auc', '--margin', '0.1')
      assert.deepEqual([compared.code, compared.stdout.startsWith('CANNOT TELL')], [4, true], compared.stderr)
      for (const tool of ['evidently', 'nannyml']) {
        const drift = await keel('drift', ...files, '--compat', tool)
        assert.deepEqual([drift.code, /Cannot tell: the .* has no rows/.test(drift.stdout)], [4, true], drift.stderr)
        assert.doesNotMatch(drift.stdout, /steady/)
      }
    }
  }
  const { stdout } = await keel('drift', 'some.csv', 'header.csv', '--compat', 'evidently', '--json')
  const found = JSON.parse(stdout) as { verdict: string; notJudged: unknown[] }
  assert.deepEqual([found.verdict, found.notJudged.length], ['cannot_tell', 3])
})
