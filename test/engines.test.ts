import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const scripts = fileURLToPath(new URL('../scripts/engines', import.meta.url))
const redis = spawnSync('sh', ['-c', 'command -v redis-server && command -v redis-cli && test -d /proc/self'], {
  encoding: 'utf8',
}).stdout.split('\n')[0]

describe('the scripts that start engines', { skip: !redis && 'there is no Redis here, or no Linux' }, () => {
  test('start an engine again on another port when somebody else took the first', (t) => {
    const { folder, place, path } = withRedis(
      t,
      `if mkdir "$PLACE/taken" 2>/dev/null; then
         ${redis} --port "$2" --bind 127.0.0.1 --save '' --dir "$PLACE" --pidfile "$PLACE/other.pid" --daemonize yes
         until redis-cli -p "$2" ping >/dev/null 2>&1; do sleep 0.1; done
         echo "$2" >"$PLACE/port"
       fi
       exec ${redis} "$@"`,
    )

    const start = spawnSync(join(scripts, 'start'), [folder, 'redis'], { encoding: 'utf8', env: path })
    assert.equal(start.status, 0, start.stderr)
    assert.match(start.stderr, /Address already in use[\s\S]*try 1 of 5[\s\S]*Redis started at try 2/)
    const environment = readFileSync(join(folder, 'environment'), 'utf8')
    const ours = Number(/TEST_REDIS=redis:\/\/127\.0\.0\.1:(\d+)/.exec(environment)?.[1])
    const theirs = numberIn(join(place, 'port'))
    assert.deepEqual([answers(ours), answers(theirs)], [true, true])

    assert.equal(spawnSync(join(scripts, 'stop'), [folder]).status, 0)
    assert.deepEqual([answers(ours), answers(theirs), existsSync(folder)], [false, true, false])
  })

  test('stop what a killed start has begun', async (t) => {
    const { folder, place, path } = withRedis(
      t,
      'echo $$ >"$PLACE/pid.new"; mv "$PLACE/pid.new" "$PLACE/pid"; exec sleep 100',
    )
    const start = spawn(join(scripts, 'start'), [folder, 'redis'], { stdio: 'ignore', env: path })
    while (!existsSync(join(place, 'pid'))) await pause(20)
    start.kill('SIGKILL')
    await once(start, 'exit')
    const daemon = numberIn(join(place, 'pid'))
    assert.ok(isRunning(daemon))

    assert.equal(spawnSync(join(scripts, 'stop'), [folder]).status, 0)
    assert.deepEqual([isRunning(daemon), existsSync(folder)], [false, false])
  })
})

/** A folder for engines, and an environment in which `redis-server` is a shell script with a place for its files. */
function withRedis(t: TestContext, script: string) {
  const place = mkdtempSync(join(tmpdir(), 'keel-engines-'))
  const folder = join(place, 'engines')
  t.after(() => {
    spawnSync(join(scripts, 'stop'), [folder])
    const other = join(place, 'other.pid')
    if (existsSync(other)) process.kill(numberIn(other), 'SIGKILL')
    rmSync(place, { recursive: true, force: true })
  })
  mkdirSync(folder)
  mkdirSync(join(place, 'bin'))
  writeFileSync(join(place, 'bin/redis-server'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(place, 'bin/redis-server'), 0o755)
  const PATH = [join(place, 'bin'), process.env['PATH']].join(delimiter)
  return { folder, place, path: { ...process.env, PATH, PLACE: place } }
}

function numberIn(path: string): number {
  return Number(readFileSync(path, 'utf8'))
}

function answers(port: number): boolean {
  return spawnSync('redis-cli', ['-p', String(port), 'ping'], { encoding: 'utf8' }).stdout.trim() === 'PONG'
}

/** A process that ended and was not yet asked for its exit code does not run. */
function isRunning(id: number): boolean {
  return existsSync(`/proc/${id}/stat`) && !/\) [XZ] /.test(readFileSync(`/proc/${id}/stat`, 'utf8'))
}
