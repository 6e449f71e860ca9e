import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const oldNode = findOldNode()
const withoutOldNode = oldNode === '' ? 'this machine has no Node 18 to 23 besides the packaged one' : false

describe('keel on a Node that is too old', { skip: withoutOldNode }, () => {
  test('starts the program with the packaged Node', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const { stdout, status } = call(oldNode, [join(root, 'bin/keel.js'), '--version'])
    assert.deepEqual([stdout.trim(), status], [version, 0])
  })

  test('passes arguments on and returns the exit code', (t) => {
    const folder = projectWith(t, {
      'dist/main.js': 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 5',
    })
    linkPackages(folder)
    const { stdout, status } = call(oldNode, [join(folder, 'bin/keel.js'), 'gate', 'two words', '--json'])
    assert.deepEqual([JSON.parse(stdout), status], [['gate', 'two words', '--json'], 5])
  })

  test('passes a request to stop on and waits for its answer', async (t) => {
    const { child } = await startLongProgram(t)
    child.kill('SIGTERM')
    assert.equal(await exitCodeOf(child), 7)
  })

  test('leaves nothing running when it is killed', async (t) => {
    const { child, programId } = await startLongProgram(t)
    child.kill('SIGKILL')
    await exitCodeOf(child)
    await gone(programId)
  })

  test('says in one line what is needed when no packaged Node is there', (t) => {
    const folder = projectWith(t, {})
    const { stderr, status } = call(oldNode, [join(folder, 'bin/keel.js'), 'status'])
    assert.match(stderr, /^keel: Evenkeel needs Node >= 24 .*npm run setup.*\n$/)
    assert.equal(status, 2)
  })
})

describe('setup', () => {
  test('installs what is missing and does nothing the second time', (t) => {
    const folder = projectWithPackage(t)
    const first = setUp(folder)
    assert.match(first.stderr, /Installing packages: done/)
    assert.ok(existsSync(join(folder, 'node_modules/part/package.json')))
    const second = setUp(folder)
    assert.deepEqual([first.status, second.status, second.stdout + second.stderr], [0, 0, ''])
  })

  test('leaves packages alone that "npm ci" by hand has put there', (t) => {
    const folder = projectWithPackage(t)
    call('npm', ['ci'], { cwd: folder })
    const { status, stderr } = setUp(folder)
    assert.deepEqual([status, stderr], [0, ''])
  })

  test('heals an install that was cut off', (t) => {
    const folder = projectWithPackage(t)
    mkdirSync(join(folder, 'node_modules/part'), { recursive: true })
    writeFileSync(join(folder, 'node_modules/part/half-writ'), '')
    assert.equal(setUp(folder).status, 0)
    assert.ok(existsSync(join(folder, 'node_modules/part/package.json')))
  })

  test('installs again when the lock file has changed', (t) => {
    const folder = projectWithPackage(t)
    setUp(folder)
    const path = join(folder, 'package-lock.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"version": "1.0.0"', '"version": "1.0.1"'))
    writeFileSync(join(folder, 'part/package.json'), JSON.stringify({ name: 'part', version: '1.0.1' }))
    assert.match(setUp(folder).stderr, /Installing packages: done/)
  })

  test('takes turns when it is started twice', async (t) => {
    const folder = projectWithPackage(t)
    const runs = await Promise.all([startSetUp(folder), startSetUp(folder)])
    assert.deepEqual(
      runs.map((run) => run.code),
      [0, 0],
    )
    assert.equal(runs.filter((run) => run.stderr.includes('Installing packages: done')).length, 1)
  })

  test('links the packaged Node where npm has left the link out', {
    skip: withoutOldNode || process.platform !== 'linux',
  }, (t) => {
    const folder = projectWithPackage(t)
    setUp(folder)
    const name = `node-${process.platform}-${process.arch}`
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'dir')
    const { status, stderr } = call(oldNode, [join(folder, 'scripts/setup.js')])
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(call(join(folder, 'node_modules/.bin/node'), ['--version']).stdout, /^v24\./)
  })

  test('builds the screens, and again only when what they are built from has changed', (t) => {
    const folder = projectWithPackage(t)
    setUp(folder)
    symlinkSync(join(root, 'node_modules/vite'), join(folder, 'node_modules/vite'), 'dir')
    mkdirSync(join(folder, 'web/src'), { recursive: true })
    writeFileSync(join(folder, 'web/index.html'), '<script type="module" src="/src/main.ts"></script>')
    writeFileSync(join(folder, 'web/src/main.ts'), "document.title = 'first'")
    mkdirSync(join(folder, 'src'))
    writeFileSync(join(folder, 'src/contract.ts'), '')
    assert.match(setUp(folder).stderr, /Building the screens: done/)
    assert.ok(existsSync(join(folder, 'web/dist/index.html')))
    assert.equal(setUp(folder).stderr, '')

    writeFileSync(join(folder, 'web/src/main.ts'), 'no language')
    const broken = setUp(folder)
    assert.equal(broken.status, 1)
    assert.match(broken.stderr, /Building the screens failed:\n[\s\S]*web\/src\/main\.ts/)
    writeFileSync(join(folder, 'web/src/main.ts'), "document.title = 'second'")
    assert.match(setUp(folder).stderr, /Building the screens: done/)
  })

  test('says what failed, why, and what to run next', (t) => {
    const folder = projectWithPackage(t)
    writeFileSync(join(folder, 'package.json'), '{"name":"house","type":"module","dependencies":{"part":"2.0.0"}}')
    const { status, stderr } = setUp(folder)
    assert.equal(status, 1)
    assert.match(stderr, /Installing packages failed:\n[\s\S]*part@2\.0\.0[\s\S]*\nNext: .*node scripts\/setup\.js/)
    assert.equal(existsSync(join(folder, 'node_modules/.keel/packages')), false)
  })
})

describe('the test command', () => {
  const passing = "import test from 'node:test'\ntest('holds', () => {})\n"
  const failing = "import test from 'node:test'\ntest('breaks', () => { throw new Error('planted') })\n"

  test('counts passed, failed and skipped tests, and fails when one failed', (t) => {
    const folder = projectWith(t, {
      'src/a.test.ts': passing,
      'src/b.test.ts': failing,
      'test/c.test.ts': "import test from 'node:test'\ntest.skip('waits', () => {})\n",
    })
    const { status, stdout } = runTests(folder)
    assert.equal(lastLine(stdout), '1 passed, 1 failed, 1 skipped')
    assert.match(stdout, /planted/)
    assert.equal(status, 1)
  })

  test('succeeds when every test passed', (t) => {
    const folder = projectWith(t, { 'src/a.test.ts': passing })
    const { status, stdout } = runTests(folder)
    assert.deepEqual([lastLine(stdout), status], ['1 passed, 0 failed', 0])
  })

  test('counts the leaves of suites and subtests, and a broken hook once', (t) => {
    const folder = projectWith(t, {
      'src/a.test.ts': `import test, { after, describe } from 'node:test'
        describe('suite', () => { test('one', () => {}); test('two', () => {}) })
        test('parent', async (t) => { await t.test('three', () => {}); await t.test('four', () => { throw 4 }) })
        describe('broken', () => { after(() => { throw new Error('hook') }); test('five', () => {}) })`,
    })
    assert.equal(lastLine(runTests(folder).stdout), '4 passed, 2 failed')
  })

  test('fails when there are no tests at all', (t) => {
    const none = runTests(projectWith(t, {}))
    assert.deepEqual([lastLine(none.stdout), none.status], ['0 passed, 0 failed', 2])
    const skipped = runTests(projectWith(t, { 'src/a.test.ts': passing.replace('test(', 'test.skip(') }))
    assert.deepEqual([lastLine(skipped.stdout), skipped.status], ['0 passed, 0 failed, 1 skipped', 1])
  })

  test('counts a file without tests, one that does not load and one that ends early as failures', (t) => {
    const folder = projectWith(t, {
      'src/a.test.ts': 'export {}\n',
      'src/b.test.ts': "throw new Error('unloadable')\n",
      'src/c.test.ts': "import test from 'node:test'\ntest('ends', () => process.exit(3))\n",
    })
    const { stdout, status } = runTests(folder)
    assert.deepEqual([lastLine(stdout), status], ['0 passed, 3 failed', 1])
    assert.match(stdout, /a\.test\.ts has no tests/)
  })

  test('takes parts of paths as filters', (t) => {
    const folder = projectWith(t, { 'src/core/a.test.ts': passing, 'src/b.test.ts': failing })
    assert.equal(lastLine(runTests(folder, ['src/core']).stdout), '1 passed, 0 failed')
    assert.equal(lastLine(runTests(folder, ['./src/core/a.test.ts']).stdout), '1 passed, 0 failed')
    assert.equal(runTests(folder, ['src/nowhere']).status, 2)
  })

  test('runs what talks to the database on PostgreSQL too, and the rest once', (t) => {
    const folder = projectWith(t, {
      'test/support/engine.ts': 'export const engine = process.env.KEEL_TEST_ENGINE\n',
      'src/a.test.ts': `import test from 'node:test'
        import { engine } from '../test/support/engine.ts'
        test('on PostgreSQL', { skip: engine !== 'postgres' }, () => {})\n`,
      'src/b.test.ts': passing,
    })
    const alone = runTests(folder)
    assert.equal(lastLine(alone.stdout), '1 passed, 0 failed, 1 skipped')
    assert.match(alone.stdout, /PostgreSQL: TEST_PG is not set/)
    const both = runTests(folder, [], { TEST_PG: 'postgres://nobody@127.0.0.1:1/none' })
    assert.equal(lastLine(both.stdout), '2 passed, 0 failed, 1 skipped')
  })

  test('gives each file the environment and folder it started with, and the next one a new process where one was ended', (t) => {
    const spoils = "process.env.LEFT = 'behind'; process.chdir('/')"
    const clean = (proof: string) => `import test from 'node:test'
      test('is clean', () => { if (${proof}) throw new Error('not clean') })\n`
    const folder = projectWith(t, {
      'src/a.test.ts': `import test from 'node:test'\ntest('spoils', () => { ${spoils} })\n`,
      'src/b.test.ts': clean("process.env.LEFT || process.cwd() === '/'"),
      'src/c.test.ts': "import test from 'node:test'\ntest('ends', () => process.exit(3))\n",
      'src/d.test.ts': clean("process.env.LEFT || process.cwd() === '/'"),
    })
    assert.equal(lastLine(runTests(folder).stdout), '3 passed, 1 failed')
  })

  test('hides the settings of the shell from the tests', (t) => {
    const folder = projectWith(t, {
      'src/a.test.ts': "import test from 'node:test'\ntest('sees none', { skip: process.env.KEEL_PORT }, () => {})\n",
    })
    assert.equal(lastLine(runTests(folder, [], { KEEL_PORT: '1234' }).stdout), '1 passed, 0 failed')
  })
})

/** A Node besides ours, new enough for the plain JavaScript and too old for the program. */
function findOldNode(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/usr/bin']
  const outside = folders.filter((folder) => !folder.includes('node_modules')).map((folder) => join(folder, 'node'))
  return outside.find((path) => existsSync(path) && isTooOld(path)) ?? ''
}

function isTooOld(node: string): boolean {
  const major = Number(/^v(\d+)\./.exec(call(node, ['--version']).stdout)?.[1])
  return major >= 18 && major < 24
}

/** The environment of a person's shell: nothing of npm or of the test that runs here. */
function shellEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_TEST|NODE_OPTIONS|NODE_V8|KEEL_|TEST_)/.test(name),
  )
  return { ...Object.fromEntries(kept), ...extra }
}

function call(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  return spawnSync(command, args, {
    encoding: 'utf8',
    env: shellEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
}

/** A folder with our scripts in it and nothing installed. */
function projectWith(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'keel-setup-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['bin', 'scripts']) cpSync(join(root, name), join(folder, name), { recursive: true })
  for (const [path, text] of Object.entries({ 'package.json': '{"name":"house","type":"module"}', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** A project with one dependency, which needs no registry. */
function projectWithPackage(t: TestContext): string {
  const declared = { name: 'house', type: 'module', dependencies: { part: 'file:part' } }
  const lock = {
    name: 'house',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'house', dependencies: { part: 'file:part' } },
      'node_modules/part': { resolved: 'part', link: true },
      part: { version: '1.0.0' },
    },
  }
  return projectWith(t, {
    'package.json': JSON.stringify(declared, undefined, 2),
    'package-lock.json': JSON.stringify(lock, undefined, 2),
    'part/package.json': JSON.stringify({ name: 'part', version: '1.0.0' }),
  })
}

function linkPackages(folder: string): void {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
}

async function startLongProgram(t: TestContext): Promise<{ child: ChildProcess; programId: number }> {
  const folder = projectWith(t, {
    'dist/main.js':
      "process.on('SIGTERM', () => process.exit(7))\nsetInterval(() => {}, 1000)\nconsole.log(process.pid)\n",
  })
  linkPackages(folder)
  const child = spawn(oldNode, [join(folder, 'bin/keel.js')], {
    env: shellEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const programId = await new Promise<number>((resolve) => child.stdout.once('data', (text) => resolve(Number(text))))
  return { child, programId }
}

function exitCodeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on('exit', (code) => resolve(code)))
}

async function gone(processId: number): Promise<void> {
  for (;;) {
    try {
      process.kill(processId, 0)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function setUp(folder: string) {
  return call(process.execPath, [join(folder, 'scripts/setup.js')], { cwd: folder })
}

async function startSetUp(folder: string): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [join(folder, 'scripts/setup.js')], { cwd: folder, env: shellEnvironment() })
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr += text
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr })))
}

function runTests(folder: string, filters: string[] = [], extra: NodeJS.ProcessEnv = {}) {
  return call(process.execPath, [join(folder, 'scripts/test.js'), ...filters], {
    cwd: folder,
    env: shellEnvironment(extra),
  })
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1)
}
