import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { testApp, testContext } from '../../../../test/support/context.ts'
import type { Context } from '../../../core/context.ts'
import { createRandom } from '../../../core/stats/random.ts'
import { giveAllBack, spentToday } from './allowance.ts'
import { type Reservation, reserve } from './reserve.ts'

const endpoint = 'bot'
const bound = 10
const prices = { 'tiny/input_token': 0.001, 'tiny/output_token': 0.01 }

/** A server of its own on the same database. */
const another = (ctx: Context): Context => ({ ...ctx, live: new Map() })

function ask(ctx: Context, maxTokens: number | undefined, perDay = bound): Promise<Reservation | undefined> {
  const wish = { endpoint, model: 'tiny', cap: { per_day: perDay }, prices, inputTokens: 10, maxTokens, answers: 1 }
  return reserve(ctx, { ...wish, generates: true }).catch((error: unknown) => {
    assert.match(String(error), /could cost more/)
    return undefined
  })
}

const most = ({ maxTokens = 0 }: Reservation) => 0.01 + maxTokens * 0.01

test("servers that share an endpoint never spend more than the day's bound together, whatever they ask and however they end", async (t) => {
  for (const seed of [1, 2, 3]) {
    const ctx = await testContext(t)
    const random = createRandom(seed)
    const servers = [another(ctx), another(ctx), another(ctx)]
    const open: { server: number; money: Reservation }[] = []
    let spent = 0
    for (let step = 0; step < 60; step++) {
      const server = Math.floor(random() * servers.length)
      const asked = await Promise.all(
        Array.from({ length: 4 }, () => {
          const at = servers[server] ?? ctx
          return ask(at, random() < 0.2 ? undefined : Math.ceil(random() * 40))
        }),
      )
      for (const money of asked) if (money) open.push({ server, money })
      for (const { money } of open.splice(0, Math.floor(random() * 5))) {
        const cost = random() * most(money)
        money.settle(cost)
        spent += cost
      }
      const fate = random()
      if (fate < 0.03) {
        // Killed: what it had asked for may have been paid.
        for (const one of open.filter((one) => one.server === server)) spent += most(one.money)
        open.splice(0, open.length, ...open.filter((one) => one.server !== server))
        servers[server] = another(ctx)
      } else if (fate < 0.06) {
        await giveAllBack(servers[server] ?? ctx)
      }
      const kept = open.reduce((sum, { money }) => sum + most(money), 0)
      assert.ok(spent + kept <= bound + 1e-9, `seed ${seed}, step ${step}: ${spent} and ${kept} kept`)
    }
    assert.ok(spent > bound / 4, `seed ${seed}: ${spent}`)
  }
})

test('what a server took and did not spend is there for the others when it ends', async (t) => {
  const ctx = await testContext(t)
  const [first, second] = [another(ctx), another(ctx)]
  for (let call = 0; call < 3; call++) (await ask(first, 9))?.settle(0.1)
  await giveAllBack(first)
  let calls = 0
  for (;;) {
    const money = await ask(second, 9)
    if (!money) break
    money.settle(0.1)
    calls += 1
  }
  assert.equal(calls, 97)
  assert.ok(Math.abs(spentToday(second, endpoint) - 10) < 1e-9)
})

test("a call is not refused for want of a slice while the day has the money, and may want the whole day's", async (t) => {
  const ctx = await testContext(t)
  assert.ok(await ask(ctx, 999))
  assert.equal(await ask(ctx, 1), undefined)
})

test('an answer without a bound of its own leaves money for those that come at the same time', async (t) => {
  const ctx = await testContext(t)
  const asked = await Promise.all(Array.from({ length: 5 }, () => ask(ctx, undefined)))
  for (const money of asked) assert.ok((money?.maxTokens ?? 0) >= 40, `${money?.maxTokens}`)
})

test('money comes back at midnight (UTC)', async (t) => {
  const app = await testApp(t, { start: new Date('2026-01-01T23:59:59Z') })
  const { ctx } = app
  const money = await ask(ctx, 999)
  assert.equal(await ask(ctx, 999), undefined)
  app.ctx.clock.set(new Date('2026-01-02T00:00:00Z'))
  assert.ok(await ask(ctx, 999))
  money?.settle(10)
  assert.equal(spentToday(ctx, endpoint), 0, 'what was asked yesterday was paid yesterday')
})

test('while the database is away, calls are made with the money at hand, and refused when that is gone', async (t) => {
  const ctx = await testContext(t)
  const first = await ask(ctx, 20)
  assert.ok(first)
  await sql`alter table serving_spend rename to away`.execute(ctx.db)
  assert.ok(await ask(ctx, 20))
  const wish = {
    endpoint,
    model: 'tiny',
    cap: { per_day: bound },
    prices,
    inputTokens: 10,
    answers: 1,
    generates: true,
  }
  await assert.rejects(reserve(ctx, { ...wish, maxTokens: 500 }), { code: 'budget_exceeded', retryAfterSeconds: 1 })
  await sql`alter table away rename to serving_spend`.execute(ctx.db)
  assert.ok(await ask(ctx, 500))
})
