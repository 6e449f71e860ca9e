import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext } from '../../../../test/support/context.ts'
import type { Context } from '../../../core/context.ts'
import * as registry from '../../registry/registry.ts'
import { definition, establish, makeItems, makeSpec, registerEcho, type TestItem } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'
import { hiddenItems } from './hidden-items.ts'

const model = 'flight-delay'
const hiding = { ...definition, hidden: 0.2 }

async function establishHiding(ctx: Context, items: TestItem[]) {
  await establish(ctx, { items, spec: makeSpec() })
  await evaluation.applyGolden(ctx, { definition: hiding, items })
}

const asViewer = (ctx: Context): Context => ({ ...ctx, actor: { name: 'viewer', role: 'viewer', kind: 'token' } })
const asAdmin = (ctx: Context): Context => ({ ...ctx, actor: { name: 'admin', role: 'admin', kind: 'token' } })

test('about the given share is hidden, the same in each look, others in the next version', () => {
  const items = makeItems(1000)
  const first = hiddenItems(hiding, 1, items) ?? []
  const count = first.filter(Boolean).length
  assert.ok(count > 150 && count < 250, String(count))
  assert.deepEqual(hiddenItems(hiding, 1, items), first)
  const second = hiddenItems(hiding, 2, items) ?? []
  const both = first.filter((hidden, index) => hidden && second[index]).length
  assert.ok(both < 80, String(both))
  assert.equal(hiddenItems(definition, 1, items), undefined)
})

test('items of one user are hidden together', () => {
  const items = makeItems(300).map((item, index) => ({ ...item, user: `u${index % 30}` }))
  const hidden = hiddenItems({ ...hiding, cluster: 'user' }, 1, items) ?? []
  for (let user = 0; user < 30; user++) {
    assert.equal(new Set(hidden.filter((_, index) => index % 30 === user)).size, 1)
  }
})

test('hidden items are scored apart, and only admins see them one by one', async (t) => {
  const ctx = await testContext(t)
  await establishHiding(ctx, makeItems(400))
  await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const result = await evaluation.evaluate(ctx, { model, version: 2 })
  const hidden = result.hidden?.n ?? 0
  assert.ok(hidden > 50 && hidden < 110, String(hidden))
  assert.equal(result.hidden?.overfitted, false)
  assert.equal(result.primary.difference.n, 400)
  const seen = async (who: Context) => {
    const { items } = await evaluation.listItems(who, { golden: 'flights-golden', limit: 1000 })
    const outputs = await evaluation.listOutputs(who, { evaluation: result.id, limit: 1000 })
    return [items.length, items.filter((item) => item.hidden).length, outputs.items.length]
  }
  assert.deepEqual(await seen(asViewer(ctx)), [400 - hidden, 0, 400 - hidden])
  assert.deepEqual(await seen(asAdmin(ctx)), [400, hidden, 400])
  const lines = (await ctx.blobs.readVerified(result.outputs)).toString('utf8').trim().split('\n')
  assert.equal(lines.length, 400 - hidden)
})

test('a candidate that is good only where it could look is called out', async (t) => {
  const ctx = await testContext(t)
  const base = makeItems(400)
  const hidden = hiddenItems(hiding, 2, base) ?? []
  // Whoever knew the seen labels by heart would answer like this.
  const items = base.map((item, index) => ({
    ...item,
    good: hidden[index] ? 0.5 : 0.05 + 0.9 * item.late,
  }))
  await establish(ctx, { items, spec: makeSpec() })
  await evaluation.applyGolden(ctx, { definition: hiding, items })
  await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const gate = await evaluation.runGate(ctx, { model, version: 2 })
  const check = gate.checks.find((one) => one.check === 'hidden items')
  assert.deepEqual([check?.verdict, check?.required], ['cannot_tell', false])
  assert.match(check?.reason ?? '', /the candidate looks better than it is/)
})

test('an error names no hidden item', async (t) => {
  const ctx = await testContext(t)
  const base = makeItems(400)
  const hidden = hiddenItems(hiding, 2, base) ?? []
  const items = base.map((item, index) => ({ ...item, good: hidden[index] ? null : item.good }))
  await establish(ctx, { items, spec: makeSpec() })
  await evaluation.applyGolden(ctx, { definition: hiding, items })
  await registerEcho(ctx, 'good')
  const { primary } = await evaluation.evaluate(ctx, { model, version: 1 })
  assert.equal(primary.verdict, 'error')
  assert.match(primary.reason, /items: \d+ hidden$/)
})

test('each item says who brought it, when and from where, and keeps it in later versions', async (t) => {
  const ctx = await testContext(t)
  const items = makeItems(3)
  await evaluation.applyGolden(ctx, { definition, items })
  const as = (name: string): Context => ({ ...ctx, actor: { name, role: 'member', kind: 'token' } })
  const [extra] = makeItems(4).slice(3)
  await evaluation.addGoldenItems(as('bo'), { golden: 'flights-golden', items: [{ ...extra }], from: 'failure fg_1' })
  const changed = items.map((item, index) => (index === 0 ? { ...item, late: 1 - item.late } : item))
  await evaluation.applyGolden(as('cy'), { definition, items: [...changed, { ...extra }] })
  const { items: listed } = await evaluation.listItems(ctx, { golden: 'flights-golden' })
  assert.deepEqual(
    listed.map(({ id, provenance }) => [id, provenance.by, provenance.from]),
    [
      ['f0', 'cy', 'file golden/flights.csv'],
      ['f1', ctx.actor.name, 'file golden/flights.csv'],
      ['f2', ctx.actor.name, 'file golden/flights.csv'],
      ['f3', 'bo', 'failure fg_1'],
    ],
  )
})
