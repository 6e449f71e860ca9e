import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { temporaryFolder } from '../support/folder.ts'
import { keel, keelRunning } from '../support/keel.ts'
import { typed } from '../support/typing.ts'

const example = fileURLToPath(new URL('../../examples/flights', import.meta.url))

test('keel ci on the flights', { timeout: 300_000 }, async (t) => {
  const cwd = temporaryFolder(t, 'keel-ci-')

  async function run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await typed(args, { cwd })
    assert.equal(code, 0, `keel ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const ci = (candidate: string, out: string) => typed(['ci', candidate, '--out', out, '--json'], { cwd })

  cpSync(example, cwd, { recursive: true })
  await keelRunning(t, ['up', '--clock', 'simulated', '--port', '0'], { cwd, until: /is up at/ })
  await run('apply')
  const prepare = ['src/prepare.ts', '--data', 'data/flights.csv.gz', '--out', 'data/flights.csv']
  const prepared = spawnSync(process.execPath, prepare, { cwd })
  assert.equal(prepared.status, 0, String(prepared.stderr))
  await run('data', 'push', 'flights', 'data/flights.csv', '--until', '2001-04-01')
  await run('clock', 'advance', '2001-04-01')
  await run('run', 'train-v1')
  await run('gate', 'flight-delay@1')
  await run('release', 'flight-delay@1', '--reason', 'first model')
  await run('rollout', 'promote', 'flight-delay.r1')

  await t.test('a good candidate may ship: exit code 0, with a comment, JUnit and JSON', async () => {
    await run('run', 'train-v2')
    // As a process of its own, as in CI; the others are the same command.
    const { code, stdout, stderr } = await keel(['ci', 'flight-delay@2', '--out', 'good', '--json'], { cwd })
    assert.equal(code, 0, stderr)
    assert.equal(JSON.parse(stdout).candidates[0].gate.verdict, 'pass')
    const comment = readFileSync(join(cwd, 'good/comment.md'), 'utf8')
    assert.ok(comment.startsWith('<!-- keel-ci flights -->'))
    assert.match(comment, /may be released/)
    assert.match(readFileSync(join(cwd, 'good/junit.xml'), 'utf8'), /failures="0" errors="0"/)
    assert.equal(JSON.parse(readFileSync(join(cwd, 'good/report.json'), 'utf8')).exitCode, 0)
  })

  await t.test('a bad candidate must not: exit code 3, and the checks that fail are named', async () => {
    await run('run', 'train-v3')
    const { code } = await ci('flight-delay@3', 'bad')
    assert.equal(code, 3)
    assert.match(readFileSync(join(cwd, 'bad/comment.md'), 'utf8'), /parity origin/)
    assert.doesNotMatch(readFileSync(join(cwd, 'bad/junit.xml'), 'utf8'), /failures="0"/)
  })

  await t.test('an undecidable candidate is exit code 4, until somebody signs its evidence', async () => {
    await run('run', 'train-v1', '--param', 'l2=3000')
    const { code, stdout } = await ci('flight-delay@4', 'undecided')
    assert.equal(code, 4)
    const { digest } = JSON.parse(stdout).candidates[0].gate
    const wrong = await typed(
      ['approve', 'flight-delay@4', '--reason', 'fine', '--report', `sha256:${'0'.repeat(64)}`],
      { cwd },
    )
    assert.equal(wrong.code, 2)
    await run('approve', 'flight-delay@4', '--reason', 'a simpler model is worth it', '--report', digest)
    assert.equal((await ci('flight-delay@4', 'signed')).code, 0)
  })

  await t.test('a dry run, the watch of a rollout, the numbers and the policy can be typed', async () => {
    const dry = JSON.parse(await run('release', 'flight-delay@2', '--to', 'production', '--dry-run', '--json'))
    assert.deepEqual([dry.ready, dry.plan.steps], [true, [10, 50, 100]])
    assert.equal((await typed(['release', 'flight-delay@3', '--dry-run'], { cwd })).code, 5)
    assert.match(await run('rollout', 'watch', 'flight-delay.r1'), /flight-delay\.r1 {2}promoted/)
    await run('release', 'flight-delay@2', '--reason', 'follows the day')
    await run('rollout', 'skip', 'flight-delay.r2', 'shadow')
    await run('rollout', 'skip', 'flight-delay.r2', 'shadow')
    const skipped = JSON.parse(await run('rollout', 'flight-delay.r2', '--json'))
    assert.deepEqual([skipped.state, skipped.share], ['step', 0.1])
    await run('rollout', 'pause', 'flight-delay.r2')
    await run('rollout', 'resume', 'flight-delay.r2')
    await run('rollout', 'abort', 'flight-delay.r2', '--reason', 'only a try')
    assert.equal((await typed(['rollout', 'watch', 'flight-delay.r2'], { cwd })).code, 3)
    assert.equal(JSON.parse(await run('drill', 'flight-delay', '--json')).passed, true)
    const { metrics } = JSON.parse(await run('delivery', 'flight-delay', '--json'))
    assert.deepEqual([metrics.deployments, metrics.escapeRate.caught, metrics.changeFailRate.failed], [2, 1, 0])
    assert.equal(JSON.parse(await run('delivery', '--json')).models.length, 1)
    assert.match(await run('policy', 'explain', 'flight-delay'), /flight-delay is green/)
    assert.equal(JSON.parse(await run('live', 'flight-delay', '--at', '2001-04-01T00:00', '--json')).live.version, 1)
  })

  await t.test('a candidate that passes but may not be released now is exit code 5', async () => {
    await run('rollback', 'flight-delay', '--reason', 'a doubt')
    const { code } = await ci('flight-delay@2', 'pinned')
    assert.equal(code, 5)
    assert.match(readFileSync(join(cwd, 'pinned/comment.md'), 'utf8'), /unpinned model/)
  })
})

test('the composite action and the snippets name files and commands that exist', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const action = parse(readFileSync(join(root, 'action.yml'), 'utf8'))
  assert.equal(action.runs.using, 'composite')
  const script = action.runs.steps.map(({ run }: { run: string }) => run).join('\n')
  for (const [, path] of script.matchAll(/GITHUB_ACTION_PATH\/([\w./-]+)/g))
    assert.ok(existsSync(join(root, path ?? '')), path)
  assert.match(script, /keel\.js" ci /)
  // Inputs reach the shell by the environment only: an expression inside the script would be an injection.
  assert.doesNotMatch(script, /\$\{\{/)
  const gitlab = parse(readFileSync(join(root, 'examples/ci/gitlab-ci.yml'), 'utf8'))
  assert.match(gitlab.keel.script.join('\n'), /keel ci/)
  assert.ok(parse(readFileSync(join(root, 'examples/ci/github-workflow.yml'), 'utf8')).jobs.gate)
})
