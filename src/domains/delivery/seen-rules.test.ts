import assert from 'node:assert/strict'
import { test } from 'node:test'
import { follow, type Seen, type Sighting } from './seen-rules.ts'

const at = (hour: number, minute = 0) => new Date(Date.UTC(2001, 0, 1, hour, minute)).toISOString()
const saw = (name: string, from: string, to: string, count = 100): Sighting => ({ name, version: 0, count, from, to })

/** What follows from batches, one after the other, as they arrive. */
function after(...batches: Sighting[][]) {
  const first: { name: string; firstAt: string }[] = []
  const said: string[] = []
  let seen: Seen | undefined
  for (const batch of batches) {
    const next = follow(seen, first, batch)
    seen = next.seen
    for (const step of next.steps) {
      if (step.kind === 'new') first.push({ name: step.name, firstAt: step.at })
      said.push(step.kind === 'new' ? `${step.name} ${step.live ? 'live' : 'before'}` : describe(step))
    }
  }
  return { said, live: seen?.live }
}

const describe = (step: { name: string; from: string; forward: boolean; caught: boolean }) =>
  `${step.name} ${step.forward ? 'forward' : 'back'} from ${step.from}${step.caught ? ', caught' : ''}`

test('each name is a release once, also when it is seen before what is live', () => {
  const twice = saw('a', at(1), at(2))
  assert.deepEqual(after([twice], [twice], [saw('b', at(3), at(4))], [saw('old', at(0), at(0, 30))]), {
    said: ['a live', 'b live', 'old before'],
    live: 'b',
  })
})

test('an older name that comes back when the newer one is silent is a rollback; the newer one again is none', () => {
  const { said } = after(
    [saw('a', at(1), at(2)), saw('b', at(3), at(4))],
    [saw('a', at(5), at(6))],
    [saw('b', at(7), at(8))],
  )
  assert.deepEqual(said, ['a live', 'b live', 'a back from b', 'b forward from a'])
})

test('old processes that still answer during a deployment, and buffers that arrive late, are no rollback', () => {
  const { said, live } = after(
    [saw('a', at(1), at(2))],
    [saw('b', at(2, 1), at(2, 2))],
    [saw('a', at(2, 3), at(2, 9))],
    [saw('a', at(1, 50), at(2, 2))],
    [saw('b', at(2, 3), at(3))],
    [saw('a', at(2, 30), at(2, 45))],
  )
  assert.deepEqual([said, live], [['a live', 'b live'], 'b'])
})

test('a small share beside the older name is no rollback until its silence is more than chance, and then it was caught', () => {
  const both = Array.from({ length: 20 }, (_, index) => [
    saw('b', at(3 + index), at(3 + index), 1),
    saw('a', at(3 + index, 1), at(3 + index, 50), 19),
  ])
  const batches = [[saw('a', at(1), at(2))], [saw('b', at(2, 30), at(2, 30), 1)], ...both]
  assert.deepEqual(after(...batches).said, ['a live', 'b live'])
  const silent = [saw('a', at(24), at(25), 400)]
  assert.deepEqual(after(...batches, silent).said, ['a live', 'b live', 'a back from b, caught'])
})

test('one prediction of an older name proves nothing against few of the newer', () => {
  const few = [[saw('a', at(1), at(2))], [saw('b', at(3), at(4), 3)]]
  assert.deepEqual(after(...few, [saw('a', at(5), at(5), 1)]).live, 'b')
  assert.deepEqual(after(...few, [saw('a', at(5), at(6), 150)]).live, 'a')
})
