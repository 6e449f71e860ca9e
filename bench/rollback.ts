import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClient } from '../src/client/client.ts'
import { routesOf } from '../src/client/routes.ts'
import { type Api, api } from '../src/contract.ts'
import { model } from '../test/support/trips.ts'

/**
 * A steady thousand requests a second through the gateway, from a process of its own, while a canary is aborted and a
 * release is rolled back. No request may fail; the last line is JSON, and any failed request makes the exit code 1.
 * `bench:rollback <n>` asks n times a second.
 */
const perSecond = Number(process.argv[2] ?? 1_000)
const seconds = 12

type Answer = { sent: number; answered: number; status: number; release: string }

function start(file: string, ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(`rollback/${file}`, import.meta.url))
  return spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
}

async function firstLine(child: ChildProcess): Promise<string> {
  const { stdout } = child
  if (!stdout) throw new Error('The process has no output.')
  const [line] = (await once(createInterface({ input: stdout }), 'line')) as [string]
  return line
}

const server = start('server.ts')
const url = await firstLine(server)
const client = createClient<Api>(routesOf(api), { url })

async function goLive(version: number): Promise<string> {
  await client.evaluation.runGate({ model, version })
  const { id } = await client.delivery.release({ model, version, reason: 'bench' })
  await client.delivery.promote({ release: id, reason: 'bench' })
  return id
}

await goLive(1)
await client.evaluation.runGate({ model, version: 2 })
const canary = await client.delivery.release({ model, version: 2, reason: 'bench' })
await client.delivery.skip({ release: canary.id, step: -1, reason: 'bench' })

const load = start('load.ts', url, `/api/v1/predict/${model}`, String(perSecond), String(seconds))
if (!load.stdout) throw new Error('The load has no output.')
const lines = createInterface({ input: load.stdout })
const answers: Answer[] = []
const ready = Promise.withResolvers<void>()
lines.on('line', (line) => {
  if (line === 'ready') ready.resolve()
  else answers.push(JSON.parse(line) as Answer)
})
const loaded = once(lines, 'close')
await ready.promise

const now = () => performance.timeOrigin + performance.now()
await sleep(3_000)
const aborted = { release: canary.id, decided: now(), milliseconds: 0 }
await client.delivery.abort({ release: canary.id, reason: 'bench' })
aborted.milliseconds = now() - aborted.decided

await sleep(1_500)
const bad = await client.delivery.release({ model, version: 2, reason: 'bench again' })
await client.delivery.promote({ release: bad.id, reason: 'bench' })
await sleep(2_500)
const rolledBack = { release: bad.id, decided: now(), milliseconds: 0 }
await client.delivery.rollback({ model, reason: 'bench' })
rolledBack.milliseconds = now() - rolledBack.decided

await loaded
server.stdin?.end()
await once(server, 'close')

type Change = typeof aborted

/** How long after the decision the release still answered: the last request that was sent, and the last answer. */
function reach({ release, decided, milliseconds }: Change) {
  const own = answers.filter((answer) => answer.release === release)
  return {
    answers: own.length,
    commandMilliseconds: milliseconds,
    lastRequestMilliseconds: Math.max(...own.map(({ sent }) => sent)) - decided,
    lastAnswerMilliseconds: Math.max(...own.map(({ answered }) => answered)) - decided,
  }
}

const latencies = answers.map(({ sent, answered }) => answered - sent).sort((a, b) => a - b)
const quantile = (share: number) => latencies[Math.ceil(share * latencies.length) - 1] ?? Number.NaN
const broken = answers.filter(({ status }) => status !== 200)
const lost = perSecond * seconds - answers.length
const failed = broken.length + lost
const result = {
  bench: 'rollback',
  ratios: {},
  failed,
  requests: answers.length,
  requestsPerSecond: perSecond,
  abort: reach(aborted),
  rollback: reach(rolledBack),
  latencyMilliseconds: { p50: quantile(0.5), p99: quantile(0.99), highest: quantile(1) },
}
for (const [what, found] of Object.entries({ abort: result.abort, rollback: result.rollback })) {
  const last = found.lastRequestMilliseconds.toFixed(1)
  console.log(`${what}: ${found.answers} answers by the bad release, its last request ${last} ms after the decision`)
}
for (const { status, release } of broken.slice(0, 5)) console.log(`failed: ${status} ${release}`)
console.log(JSON.stringify(result))
process.exitCode = failed > 0 ? 1 : 0
