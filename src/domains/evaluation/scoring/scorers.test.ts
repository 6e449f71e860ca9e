import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testContext } from '../../../../test/support/context.ts'
import type { AppError } from '../../../core/errors.ts'
import type { Scorer } from '../../registry/spec/model-spec.ts'
import { readScores } from './command.ts'
import { scoreIn } from './judge.ts'
import { scoreAnswers } from './scorers.ts'

const items = { ids: ['a', 'b', 'c'], questions: [{}, {}, {}], labels: ['Yes', 'no', '[0-9]+'] }
const answers = { candidate: [['yes ', 'maybe no', '42']], baseline: [[null, '', 'x']] }

async function scoresOf(t: Parameters<typeof testContext>[0], scorer: Omit<Scorer, 'name'>) {
  const ctx = await testContext(t)
  const scored = await scoreAnswers(ctx, { scorers: [{ name: 's', ...scorer }], items, answers })
  return [scored.candidate['s']?.[0], scored.baseline['s']?.[0]]
}

test('answers equal what was expected, contain it, or match it; what was not answered has no score', async (t) => {
  assert.deepEqual(await scoresOf(t, { kind: 'exact' }), [
    [0, 0, 0],
    [null, 0, 0],
  ])
  assert.deepEqual(await scoresOf(t, { kind: 'exact', ignore_case: true }), [
    [1, 0, 0],
    [null, 0, 0],
  ])
  assert.deepEqual(await scoresOf(t, { kind: 'contains' }), [
    [0, 1, 0],
    [null, 0, 0],
  ])
  assert.deepEqual(await scoresOf(t, { kind: 'regex' }), [
    [0, 1, 1],
    [null, 0, 0],
  ])
})

test('a pattern that would take for ever elsewhere takes no time here', async (t) => {
  const ctx = await testContext(t)
  const hostile = { ids: ['a'], questions: [{}], labels: ['x'] }
  const long = `${'a'.repeat(50_000)}!`
  const scored = await scoreAnswers(ctx, {
    scorers: [
      { name: 'pattern', kind: 'regex', pattern: '^(a+)+$' },
      { name: 'schema', kind: 'json_schema', schema: { type: 'string', pattern: '^(a+)+$' } },
    ],
    items: hostile,
    answers: { candidate: [[long]], baseline: [[JSON.stringify(long)]] },
  })
  assert.deepEqual(
    [scored.candidate['pattern'], scored.candidate['schema'], scored.baseline['schema']],
    [[[0]], [[0]], [[0]]],
  )
})

test('a scorer without what it needs, or with a pattern or schema that is none, is refused by its name', async (t) => {
  const named = (error: AppError) => error.offender === 's' && error.code === 'invalid_input'
  await assert.rejects(scoresOf(t, { kind: 'regex', pattern: '(?=x)' }), named)
  await assert.rejects(scoresOf(t, { kind: 'json_schema' }), named)
  await assert.rejects(scoresOf(t, { kind: 'json_schema', schema: { type: 'nothing' } }), named)
  await assert.rejects(scoresOf(t, { kind: 'command' }), named)
  await assert.rejects(scoresOf(t, { kind: 'judge' }), named)
})

const program = (body: string) => [
  process.execPath,
  '-e',
  `const lines = require('fs').readFileSync(0, 'utf8').trim().split('\\n').map(JSON.parse); ${body}`,
]

test('a command scores answers by id, in any order', async (t) => {
  const command = program(
    'for (const { id, answer } of lines.reverse()) console.log(JSON.stringify({ id, score: answer.length / 10 }))',
  )
  assert.deepEqual(await scoresOf(t, { kind: 'command', command }), [
    [0.4, 0.8, 0.2],
    [null, 0, 0.1],
  ])
})

test('whatever else a command prints is worth nothing', async (t) => {
  const command = program(
    `console.log('ok {"id": "0"'); console.log('{"id":"0","score":2}'); console.log('{"id":"1","score":1}'); console.log('{"id":"1","score":1}'); console.log('{"id":"9","score":1}'); console.log('null')`,
  )
  assert.deepEqual(await scoresOf(t, { kind: 'command', command }), [
    [null, null, null],
    [null, null, null],
  ])
})

test('a command that fails, does not exist, never ends or never stops writing is an error with its name', async (t) => {
  const failing = async (command: string[], words: RegExp, timeout = '20s') =>
    assert.rejects(scoresOf(t, { kind: 'command', command, timeout }), (error: AppError) => {
      assert.match(error.message, words)
      return error.offender === 's' && error.code === 'upstream_failed'
    })
  await failing(program('process.exit(3)'), /ended with exit code 3/)
  await failing(['./no-such-program'], /could not be started/)
  await failing(program('setInterval(() => {}, 1000)'), /took longer than 1s/, '1s')
  await failing(
    program(`const chunk = 'x'.repeat(1 << 20); for (;;) require('fs').writeSync(1, chunk)`),
    /wrote more than \d+ bytes/,
  )
})

test('only one valid score for each answer counts, whatever the output', () => {
  const line = fc.oneof(
    fc
      .record({
        id: fc.constantFrom('0', '1', '2', 7),
        score: fc.oneof(fc.double(), fc.constant('1'), fc.constant(null)),
      })
      .map((one) => JSON.stringify(one)),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const scores = readScores(lines.join('\n'), 3)
      assert.equal(scores.length, 3)
      assert.ok(scores.every((score) => score === null || (score >= 0 && score <= 1)))
    }),
  )
})

test('a judge’s reply is a score only when it is nothing else', () => {
  assert.equal(scoreIn('{"score": 0.5}'), 0.5)
  assert.equal(scoreIn('```json\n{"score": 1}\n```'), 1)
  for (const reply of ['1', '{"score": "1"}', '{"score": 1.1}', '{"score": null}', 'Score: {"score": 1}', '', '[]'])
    assert.equal(scoreIn(reply), null, reply)
})
