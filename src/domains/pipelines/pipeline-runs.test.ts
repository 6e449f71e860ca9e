import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { testContext, testServer } from '../../../test/support/context.ts'
import * as pipelines from './pipelines.ts'
import { wholeCharacters } from './rules.ts'

async function begin(t: TestContext, run: string, names = ['train']) {
  const { app, client } = await testServer(t)
  writeFileSync(join(app.ctx.root, 'code.txt'), 'first')
  const apply = (pipeline: string, run: string) =>
    pipelines.applyPipeline(app.ctx, { pipeline, steps: [{ name: 'a', run, code: ['code.txt'] }] })
  for (const pipeline of names) await apply(pipeline, run)
  return { app, client, apply }
}

test('runs are listed newest first, page by page, of one pipeline or of all', async (t) => {
  const { client } = await begin(t, 'true', ['train', 'report'])
  const ids: string[] = []
  for (const pipeline of ['train', 'report', 'train', 'train'])
    ids.unshift((await client.pipelines.start({ pipeline })).id)
  const listed: string[] = []
  let cursor: string | undefined
  do {
    const page = await client.pipelines.listRuns({ limit: 2, ...(cursor === undefined ? {} : { cursor }) })
    assert.ok(page.items.length <= 2)
    listed.push(...page.items.map(({ id }) => id))
    cursor = page.next
  } while (cursor !== undefined)
  assert.deepEqual(listed, ids)
  const { items } = await client.pipelines.listRuns({ pipeline: 'report' })
  assert.deepEqual(
    items.map(({ id }) => id),
    [ids[2]],
  )
})

test('a log that is longer than one answer is read on where it ended, without cutting a character in two', async (t) => {
  const { app, client } = await begin(t, `node -e "process.stdout.write('x' + 'ä'.repeat(200000))"`)
  const { id: pipelineRun } = await client.pipelines.start({ pipeline: 'train' })
  await app.worker.drain()
  let text = ''
  let offset = 0
  let answers = 0
  for (;;) {
    const part = await client.pipelines.logs({ pipelineRun, step: 'a', offset })
    if (part.text === '') break
    text += part.text
    offset = part.next
    answers += 1
  }
  assert.equal(answers, 2)
  assert.equal(text.length, 200_001)
  assert.match(text, /^xä+$/)
})

test('text that is cut anywhere and read on where its whole characters ended is the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 4, max: 9 }), (text, size) => {
      const bytes = Buffer.from(text)
      let read = ''
      for (let offset = 0; offset < bytes.length; ) {
        const part = bytes.subarray(offset, offset + size)
        const length = wholeCharacters(part)
        assert.ok(length > 0)
        read += part.subarray(0, length).toString('utf8')
        offset += length
      }
      assert.equal(read, bytes.toString('utf8'))
    }),
  )
})

test('a fresh run takes nothing from the cache', async (t) => {
  const { app, client } = await begin(t, 'echo 1 > "$KEEL_OUT/rows"')
  const stateOf = async (fresh: boolean) => {
    const { id } = await client.pipelines.start({ pipeline: 'train', fresh })
    await app.worker.drain()
    return (await client.pipelines.getRun({ pipelineRun: id })).steps[0]?.state
  }
  assert.deepEqual(
    [await stateOf(false), await stateOf(false), await stateOf(true)],
    ['succeeded', 'cached', 'succeeded'],
  )
})

test('a run keeps the definition that it began with, though the pipeline is another by the time it is worked on', async (t) => {
  const { app, client, apply } = await begin(t, 'echo before')
  const { id: pipelineRun } = await client.pipelines.start({ pipeline: 'train' })
  await apply('train', 'echo after')
  await app.worker.drain()
  assert.equal((await client.pipelines.logs({ pipelineRun, step: 'a' })).text, 'before\n')
})

test('a run that still runs cannot be resumed, and what is not there is refused by its name', async (t) => {
  // Nothing works on it here: no worker runs, so that the run stays where it is.
  const ctx = await testContext(t)
  await pipelines.applyPipeline(ctx, { pipeline: 'train', steps: [{ name: 'a', run: 'true' }] })
  const { id } = await pipelines.start(ctx, { pipeline: 'train' })
  await assert.rejects(pipelines.start(ctx, { pipeline: 'train', resume: id }), { code: 'conflict' })
  await assert.rejects(pipelines.start(ctx, { pipeline: 'trian' }), { code: 'not_found' })
  await assert.rejects(pipelines.logs(ctx, { pipelineRun: id, step: 'b' }), { code: 'not_found' })
  await assert.rejects(pipelines.why(ctx, { pipelineRun: id, step: 'a' }), { code: 'not_ready' })
  assert.deepEqual(await pipelines.logs(ctx, { pipelineRun: id, step: 'a' }), { text: '', next: 0 })
})
