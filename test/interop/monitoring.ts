import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLake } from '../../src/core/lake.ts'
import { transaction } from '../../src/core/transaction.ts'
import { append } from '../../src/domains/delivery/events.ts'
import { fileDrift } from '../../src/domains/monitoring/files/file-drift.ts'
import { begin, release } from '../../src/domains/monitoring/monitoring.fixture.ts'
import { createSuite } from '../support/suite.ts'
import { model } from '../support/trips.ts'
import { writeDriftFiles } from './drift-data.ts'
import { lastLine, pythonWith } from './python-tools.ts'

/** Real Prometheus and Alertmanager around a server of ours, and Evidently and NannyML as second opinions. */
const rules = fileURLToPath(new URL('../../monitoring', import.meta.url))
const { check, skip, end } = createSuite()

function program(...names: string[]): string | undefined {
  return names.find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

async function until<T>(what: string, look: () => Promise<T | undefined>, seconds = 40): Promise<T> {
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const found = await look().catch(() => undefined)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  throw new Error(`${what} did not come within ${seconds} s`)
}

const folder = mkdtempSync(join(tmpdir(), 'keel-interop-'))
const cleanups: (() => unknown)[] = []
const children: ChildProcess[] = []
const scope = { after: (work: () => unknown) => cleanups.unshift(work) } as unknown as TestContext

function start(command: string, args: string[]): void {
  children.push(spawn(command, args, { stdio: process.env['KEEL_VERBOSE'] ? 'inherit' : 'ignore', cwd: folder }))
}

async function prometheusAndAlertmanager(): Promise<void> {
  const promtool = program('promtool')
  if (promtool) {
    await check('promtool accepts the rules and their tests', () => {
      for (const args of [
        ['check', 'rules', 'prometheus-rules.yml'],
        ['test', 'rules', 'prometheus-rules.test.yml'],
      ]) {
        const { status, stderr, stdout } = spawnSync(promtool, args, { cwd: rules, encoding: 'utf8' })
        if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}${stdout}`)
      }
    })
  } else skip('promtool', 'prometheus is not installed (scripts/engines/install)')
  const [prometheus, alertmanager] = [program('prometheus'), program('prometheus-alertmanager', 'alertmanager')]
  if (!prometheus) return skip('Prometheus', 'it is not installed (scripts/engines/install)')
  if (!alertmanager) return skip('Alertmanager', 'it is not installed (scripts/engines/install)')
  const { url, client, ctx, live, settleWindows } = await begin(scope)
  await transaction(ctx, (ctx) =>
    append(ctx, 'delivery.live_changed', `model/${model}`, { model, release, version: 1 }),
  )
  await live(1, { late: () => 0 })
  await settleWindows()
  const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()]
  writeFileSync(
    join(folder, 'alertmanager.yml'),
    `route: {receiver: keel, group_by: [alertname, model], group_wait: 1s, group_interval: 1s}
receivers:
  - name: keel
    webhook_configs: [{url: '${url}/api/v1/alertmanager', send_resolved: true}]
`,
  )
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ['${join(rules, 'prometheus-rules.yml')}']
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:${alertmanagerPort}']}]}]}
scrape_configs: [{job_name: keel, static_configs: [{targets: ['${new URL(url).host}']}]}]
`,
  )
  start(alertmanager, [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'am')}`,
    `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
    '--cluster.listen-address=',
  ])
  start(prometheus, [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
  ])
  const query = async (expression: string) => {
    const reply = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/query?query=${encodeURIComponent(expression)}`)
    const { data } = (await reply.json()) as { data: { result: { value: [number, string] }[] } }
    return data.result[0]?.value[1]
  }
  await check('Prometheus scrapes us without an error', async () => {
    await until('the first scrape', async () => ((await query('up{job="keel"}')) === '1' ? true : undefined))
    const bias = Number(await until('the bias', () => query(`keel_window_bias{model="${model}"}`)))
    const [window] = (await client.monitoring.series({ model })).items
    if (Math.abs(bias - (window?.bias.value ?? 0)) > 1e-12)
      throw new Error(`it read ${bias}, we say ${window?.bias.value}`)
    return `bias ${bias.toFixed(3)}`
  })
  await check('its own rule fires, Alertmanager tells us, and the alert names the release that was live', async () => {
    const alert = await until('the alert', async () => {
      const { items } = await client.monitoring.listAlerts({ model })
      return items.find(({ signal, labels }) => signal === 'external' && labels?.['alertname'] === 'KeelLabelsWrong')
    })
    if (alert.release !== release) throw new Error(`it names "${alert.release}"`)
    return alert.summary
  })
}

type MonitoringReport = { columns: { column: string; test: string; value: number; threshold: number }[] }

async function secondOpinions(): Promise<void> {
  const lake = openLake()
  cleanups.unshift(() => lake.close())
  const evidently = pythonWith('evidently')
  if ('missing' in evidently) skip('Evidently', evidently.missing)
  else {
    for (const [seed, reference, current] of [
      [11, 700, 400],
      [12, 1_000, 999],
      [13, 1_001, 300],
      [14, 20_000, 8_000],
    ] as const) {
      await check(`Evidently 0.7.21 says the same of ${reference} and ${current} random rows`, async () => {
        const files = await writeDriftFiles(lake, { folder, seed, reference, current })
        const theirs = lastLine<MonitoringReport>(evidently.python, 'evidently-drift.py', [
          files.reference,
          files.current,
        ])
        const ours = await fileDrift(lake, { ...files, tool: 'evidently' })
        return agree(theirs, ours, 1e-9, true)
      })
    }
  }
  const nannyml = pythonWith('nannyml')
  if ('missing' in nannyml) return skip('NannyML', nannyml.missing)
  for (const [seed, reference, current] of [
    [21, 5_000, 500],
    [22, 9_000, 900],
  ] as const) {
    await check(
      `NannyML 0.13.1 says the same of ${reference} and ${current} random rows, thresholds included`,
      async () => {
        const files = await writeDriftFiles(lake, { folder, seed, reference, current })
        const theirs = lastLine<MonitoringReport>(nannyml.python, 'nannyml-drift.py', [files.reference, files.current])
        return agree(theirs, await fileDrift(lake, { ...files, tool: 'nannyml' }), 1e-9, false)
      },
    )
  }
}

function agree(
  theirs: MonitoringReport,
  ours: Awaited<ReturnType<typeof fileDrift>>,
  tolerance: number,
  byName: boolean,
): string {
  let largest = 0
  for (const { column, test, value, threshold } of theirs.columns) {
    const found = ours.columns.find((one) => one.column === column)
    if (!found) throw new Error(`we left "${column}" out`)
    if (byName && found.test !== test) throw new Error(`"${column}": ${test} there, ${found.test} here`)
    const pairs = byName
      ? [[value, found.value]]
      : [
          [value, found.value],
          [threshold, found.threshold],
        ]
    for (const [expected = 0, actual = 0] of pairs) {
      const error = expected === actual ? 0 : Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-300)
      largest = Math.max(largest, error)
      if (error > tolerance) throw new Error(`"${column}": ${expected} there, ${actual} here`)
    }
  }
  return `${theirs.columns.length} columns, largest relative difference ${largest.toExponential(1)}`
}

try {
  await prometheusAndAlertmanager()
  await secondOpinions()
} finally {
  for (const child of children) child.kill('SIGTERM')
  for (const cleanup of cleanups) await cleanup()
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
}
end()
