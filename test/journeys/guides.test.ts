import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { transaction } from '../../src/core/transaction.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { testServer } from '../support/context.ts'
import { startLlm } from '../support/llm.ts'
import { spec } from '../support/trips.ts'

const skip = spawnSync('curl', ['--version']).status !== 0 && 'the examples need curl'

/** The shell examples of a guide, each with the JSON that it promises. */
function examplesOf(guide: string): { command: string; promised: unknown }[] {
  const text = readFileSync(new URL(`../../docs/guides/${guide}`, import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, body]) => ({
    language,
    body: body ?? '',
  }))
  return blocks.flatMap(({ language, body }, index) => {
    if (language !== 'sh') return []
    const next = blocks[index + 1]
    return [{ command: body, promised: next?.language === 'json' ? (JSON.parse(next.body) as unknown) : undefined }]
  })
}

/** Names and kinds of values, not the values themselves. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]))
}

async function run(command: string, url: string): Promise<string> {
  const shell = spawn('/bin/sh', ['-e', '-c', command.replaceAll('curl -s', 'curl --fail-with-body -s')], {
    env: { PATH: process.env['PATH'] ?? '', KEEL: url },
  })
  let [out, err] = ['', '']
  shell.stdout.on('data', (chunk) => (out += chunk))
  shell.stderr.on('data', (chunk) => (err += chunk))
  const code = await new Promise((resolve) => shell.once('close', resolve))
  assert.equal(code, 0, `${command}\n${out}${err}`)
  return out
}

async function runAll(guide: string, url: string): Promise<string[]> {
  const said: string[] = []
  for (const { command, promised } of examplesOf(guide)) {
    const out = await run(command, url)
    if (promised !== undefined) assert.deepEqual(shapeOf(JSON.parse(out)), shapeOf(promised), command)
    said.push(out)
  }
  return said
}

async function route(t: TestContext, model: string, ctx: Parameters<typeof serving.setRouting>[0]): Promise<void> {
  const routing = {
    endpoint: model,
    live: { release: `${model}.r1`, version: 1 },
    canary: null,
    shadow: null,
    warm: [],
  }
  await serving.prepareRouting(ctx, routing)
  await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
  t.diagnostic(`${model} is live`)
}

test('every curl example of the serving guide works as it stands, in each protocol', { skip }, async (t) => {
  const { app, url } = await testServer(t)
  const model = 'flight-delay'
  await registry.applySpec(app.ctx, { ...spec, model, serves: { output: 'regression' } })
  const types = {
    origin: 'string',
    destination: 'string',
    distance: 'number',
    hour: 'integer',
    weekday: 'integer',
  } as const
  const inputs = Object.entries(types).map(([name, type]) => ({ name, type }))
  const signature = { inputs, output: { name: 'p', type: 'number' as const } }
  await registry.registerVersion(app.ctx, { model, flavor: 'constant', constant: 0.37, signature })
  await route(t, model, app.ctx)
  const said = await runAll('serving.md', url)
  assert.ok(said.length >= 8)
  assert.ok(said.some((out) => out === '200\n200\n'))
})

test('every curl example of the guide to language models works as it stands', { skip }, async (t) => {
  const llm = await startLlm()
  t.after(() => llm.close())
  const { app, url } = await testServer(t, { settings: { egress: '127.0.0.1' } })
  const model = 'support-bot'
  const provider = { url: llm.url, model: 'small-chat' }
  await registry.applySpec(app.ctx, { ...spec, model, serves: { output: 'text', provider } })
  await registry.registerVersion(app.ctx, { model, flavor: 'prompt', prompt: 'Briefly: {{question}}' })
  await route(t, model, app.ctx)
  const said = (await runAll('llm.md', url)).join('\n')
  for (const part of ['"chat.completion"', 'data: [DONE]', '"embedding"', '"id":"support-bot"', '"output":"Briefly:'])
    assert.ok(said.includes(part), `${part} is not in\n${said}`)
})
