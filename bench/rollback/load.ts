import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { tripAt } from '../../test/support/trips.ts'

/**
 * `load.ts <url> <path> <requests per second> <seconds>`: asks at a steady pace, whatever the answers take, and prints
 * one JSON line per answer: when it was sent, when it was answered (milliseconds since 1970), status and release.
 */
const [url = '', path = '', perSecond = '0', seconds = '0'] = process.argv.slice(2)
const total = Number(perSecond) * Number(seconds)
const pool = new Pool(url, { connections: 64 })
const answers: string[] = []
const now = () => performance.timeOrigin + performance.now()
const waiting = new Set<Promise<void>>()

async function ask(index: number): Promise<void> {
  const { city, good, wrong } = tripAt(index)
  const sent = now()
  let [status, release] = [0, '']
  try {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: { city, good, wrong }, unit: `u${index}` }),
    })
    status = statusCode
    const answer: unknown = await body.json()
    if (typeof answer === 'object' && answer !== null && 'release' in answer) release = String(answer.release)
  } catch (error) {
    release = error instanceof Error ? error.message : String(error)
  }
  answers.push(JSON.stringify({ sent, answered: now(), status, release }))
}

process.stdout.write('ready\n')
const began = performance.now()
for (let asked = 0; asked < total; ) {
  const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * Number(perSecond)))
  for (; asked < due; asked++) {
    const one = ask(asked).finally(() => waiting.delete(one))
    waiting.add(one)
  }
  await sleep(1)
}
await Promise.all(waiting)
await pool.close()
process.stdout.write(`${answers.join('\n')}\n`)
