import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { aboveTheStores } from '../scripts/engine-passes.ts'
import { testApp } from './support/context.ts'
import { functionsOf } from './support/functions.ts'
import { routesOfServer, urlOf } from './support/routes.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Domains in the order in which they may use each other: only to the left. */
const line = [
  'system',
  'access',
  'webhooks',
  'artifacts',
  'datasets',
  'features',
  'runs',
  'traces',
  'registry',
  'pipelines',
  'evaluation',
  'serving',
  'monitoring',
  'delivery',
  'review',
  'project',
]

/** Rooms from the inside out; each may import itself and what is further in. */
const rooms = ['core', 'domains', 'contract', 'client', 'http', 'protocols', 'app', 'cli', 'main']
const single: Record<string, string> = {
  'contract.ts': 'contract',
  'doors.ts': 'app',
  'migrations.ts': 'app',
  'events.ts': 'app',
  'jobs.ts': 'app',
  'reactions.ts': 'app',
  'app.ts': 'app',
  'main.ts': 'main',
  'version.ts': 'core',
  'package-folder.ts': 'core',
}

type Import = { from: string; to: string }

function importsOf(files: Record<string, string>): Import[] {
  return Object.entries(files).flatMap(([from, text]) =>
    [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => ({
      from,
      to: posix.normalize(posix.join(dirname(from), match[1] ?? '')),
    })),
  )
}

function roomOf(path: string): string {
  const [first = ''] = path.split('/')
  return single[path] ?? first
}

/** The room of a folder below core, a domain or the command line that a path lies in. Statistics are a library: each file is a door. */
function subRoomOf(path: string): string | undefined {
  const [room] = /^(?:core|domains\/[a-z]+|cli(?:\/import)?)\/[a-z]+(?=\/)/.exec(path) ?? []
  const hasDoor = room !== undefined && (!room.startsWith('cli/') || /^cli\/(?:kit|import)\b/.test(room))
  return hasDoor && room !== 'core/stats' ? room : undefined
}

/** Whether `from` may name `to`: a room is entered by the file named like it; only its domain's own door lists what lies in it. */
function entersByTheDoor({ from, to }: Import): boolean {
  const room = subRoomOf(to)
  if (room === undefined || room === subRoomOf(from)) return true
  if (subRoomOf(from)?.startsWith(`${room}/`)) return true
  const name = room.split('/').at(-1)
  const [, domain] = room.split('/')
  return to === `${room}/${name}.ts` || from === `domains/${domain}/${domain}.ts`
}

/** Every import that breaks a rule, in words. */
function violations(files: Record<string, string>): string[] {
  const found: string[] = []
  for (const { from, to } of importsOf(files)) {
    if (to.startsWith('..')) continue
    const [here, there] = [roomOf(from), roomOf(to)]
    if (!entersByTheDoor({ from, to })) found.push(`${from} imports ${to}: a room is entered by the file named like it`)
    if (rooms.indexOf(there) > rooms.indexOf(here)) found.push(`${from} imports ${to}: imports go inwards only`)
    const [, own] = from.split('/')
    const [room, other = '', file = ''] = to.split('/')
    if (room !== 'domains' || (here === 'domains' && own === other)) continue
    // What goes against the line is an event: what it looks like is open to all.
    const isEvents = to === `domains/${other}/events.ts`
    const door =
      file === `${other}.ts` ||
      file === 'contract.ts' ||
      isEvents ||
      (to === `domains/${other}/jobs.ts` && from === 'jobs.ts') ||
      to === 'domains/registry/spec/spec.ts' ||
      to === 'domains/runs/search-language.ts' ||
      (file === 'schema.ts' && from === 'migrations.ts')
    if (!door) found.push(`${from} imports ${to}: a domain is entered by its door or its contract`)
    if (here === 'domains' && !isEvents && line.indexOf(other) > line.indexOf(own ?? ''))
      found.push(`${from} imports ${to}: domains form a line`)
  }
  return found
}

/** Domains that write the events or the jobs of another: each appends and enqueues its own. */
function foreignWrites(files: Record<string, string>): string[] {
  const foreign = /\b(?:append|enqueue|schedule)\b[^}]*\} from '[./]+\/[a-z]+\/(?:events|jobs)\.ts'/
  return Object.entries(files).flatMap(([path, text]) => (foreign.test(text) ? [path] : []))
}

/** Folders in which 25 sources or more lie side by side, beside the words of the domain: contract, events and jobs. */
function crowded(files: Record<string, string>): string[] {
  const counts = new Map<string, number>()
  const sources = Object.keys(files).filter((path) => !/\/(?:contract|events|jobs)\.ts$/.test(path))
  for (const path of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  return [...counts].filter(([, count]) => count >= 25).map(([folder]) => folder)
}

/** Files that import each other in a circle (Tarjan, "Depth-first search and linear graph algorithms", 1972), types included. */
function circles(files: Record<string, string>): string[] {
  const imports = Map.groupBy(importsOf(files), ({ from }) => from)
  const order = new Map<string, number>()
  const stack: string[] = []
  const found: string[] = []
  function visit(file: string): number {
    const index = order.size
    order.set(file, index)
    stack.push(file)
    let lowest = index
    for (const { to } of imports.get(file) ?? []) {
      if (!(to in files)) continue
      if (!order.has(to)) lowest = Math.min(lowest, visit(to))
      else if (stack.includes(to)) lowest = Math.min(lowest, order.get(to) ?? lowest)
    }
    if (lowest < index) return lowest
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1) found.push(circle.sort().join(' '))
    return lowest
  }
  for (const file of Object.keys(files)) if (!order.has(file)) visit(file)
  return found
}

const domainFolder = (name: string) => (line.includes(name) ? `domains/${name}` : name)

/** Doors that hold more than a list. */
function roomyDoors(files: Record<string, string>): string[] {
  const doors = Object.entries(files).filter(([path]) => {
    const [domain, file] = [dirname(path).split('/').at(-1), path.split('/').at(-1)]
    return file === `${domain}.ts` && (subRoomOf(path) !== undefined || /^domains\/[a-z]+\/[a-z]+\.ts$/.test(path))
  })
  const list = /^export (?:type )?\{[^}]*\} from '[^']+'\n/gm
  return doors.filter(([, text]) => text.replace(list, '').trim() !== '').map(([path]) => path)
}

/** Files that speak SQL to the database, by its builder, as text or prepared, though they are no stores. */
function speakersOfSql(files: Record<string, string>): string[] {
  // The importer reads the database of another program, which has no store here.
  const allowed =
    /^(core\/|cli\/import\/sqlite\/database\.ts$|domains\/[a-z]+\/([a-z-]+\/)?([a-z-]+-)?(store|schema)\.ts$)/
  const speaks = /\.(selectFrom|insertInto|updateTable|deleteFrom|prepare)\(|\bsql(<[^>]*>)?`|\bsql\.raw\(/
  return Object.entries(files).flatMap(([path, text]) => (!allowed.test(path) && speaks.test(text) ? [path] : []))
}

function sources(): Record<string, string> {
  const paths = globSync('src/**/*.ts', { cwd: root }).filter(
    (path) => !path.endsWith('.test.ts') && !path.endsWith('.fixture.ts'),
  )
  return Object.fromEntries(paths.map((path) => [relative('src', path), readFileSync(join(root, path), 'utf8')]))
}

test('imports go inwards only, and domains form a line that is entered by doors', () => {
  assert.deepEqual(violations(sources()), [])
})

test('a planted violation of each rule is found', () => {
  const planted = {
    'core/clock.ts': `import { api } from '../contract.ts'`,
    'domains/access/access.ts': `import * as delivery from '../delivery/delivery.ts'`,
    'domains/review/review.ts': `import * as store from '../registry/store.ts'`,
    'domains/serving/chat/ask.ts': `import { writeSegment } from '../log/segments.ts'`,
    'http/server.ts': `import { getJob } from '../core/background/jobs.ts'`,
  }
  assert.deepEqual(violations(planted), [
    'core/clock.ts imports contract.ts: imports go inwards only',
    'domains/access/access.ts imports domains/delivery/delivery.ts: domains form a line',
    'domains/review/review.ts imports domains/registry/store.ts: a domain is entered by its door or its contract',
    'domains/serving/chat/ask.ts imports domains/serving/log/segments.ts: a room is entered by the file named like it',
    'http/server.ts imports core/background/jobs.ts: a room is entered by the file named like it',
  ])
})

test('a folder with 25 sources or more has rooms, unless its files are a list of words', () => {
  const wordLists = ['cli/commands', 'core/stats', 'protocols/mlflow']
  assert.deepEqual(
    crowded(sources()).filter((folder) => !wordLists.includes(folder)),
    [],
  )
  const planted = Array.from({ length: 25 }, (_, n) => [`domains/access/part-${n}.ts`, ''])
  assert.deepEqual(crowded(Object.fromEntries(planted)), ['domains/access'])
})

test('no file imports itself, not even through others', () => {
  assert.deepEqual(circles(sources()), [])
  const planted = {
    'core/a.ts': `import { b } from './b.ts'`,
    'core/b.ts': `export type { C } from './c.ts'`,
    'core/c.ts': `const { a } = await import('./a.ts')`,
    'core/d.ts': `import { a } from './a.ts'`,
  }
  assert.deepEqual(circles(planted), ['core/a.ts core/b.ts core/c.ts'])
})

test('a domain writes events and jobs of its own only', () => {
  assert.deepEqual(foreignWrites(sources()), [])
  const planted = {
    'domains/review/decisions.ts': `import { append, events } from '../delivery/events.ts'`,
    'domains/review/failures.ts': `import { events } from '../delivery/events.ts'\nimport { append } from './events.ts'`,
  }
  assert.deepEqual(foreignWrites(planted), ['domains/review/decisions.ts'])
})

/** Tests in `src` that are not named like a source beside them: what crosses rooms is in test/. */
function strayTests(paths: readonly string[]): string[] {
  const known = new Set(paths)
  return paths.filter(
    (path) => path.endsWith('.test.ts') && !['.ts', '.tsx'].some((end) => known.has(path.replace(/\.test\.ts$/, end))),
  )
}

test('a test in src stands beside what it tests and has its name', () => {
  assert.deepEqual(strayTests(globSync('{src,web/src}/**/*.{ts,tsx}', { cwd: root })), [])
  const planted = ['src/core/time.ts', 'src/core/time.test.ts', 'src/core/clocks.test.ts']
  assert.deepEqual(strayTests(planted), ['src/core/clocks.test.ts'])
})

test('every door is a list of what lies behind it', () => {
  assert.deepEqual(roomyDoors(sources()), [])
  const planted = { 'domains/access/access.ts': `export { whoami } from './tokens.ts'\nexport const answer = 42\n` }
  assert.deepEqual(roomyDoors(planted), ['domains/access/access.ts'])
})

test('every place that ARCHITECTURE.md names exists', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const places = [...text.matchAll(/`((?:src|web|examples|test|docs)\/[^`<>…]*)`/g)].map(([, place = '']) => place)
  assert.ok(places.length > 15)
  assert.deepEqual(
    places.filter((place) => !existsSync(join(root, place))),
    [],
  )
  const rooms = [...text.matchAll(/^\| `(\w+)` \| (`.*) \|$/gm)].flatMap(([, owner = '', list = '']) =>
    [...list.matchAll(/`(\w+)`/g)].map(([, room = '']) => join(root, 'src', domainFolder(owner), room)),
  )
  assert.ok(rooms.length > 25)
  assert.deepEqual(
    rooms.filter((room) => !existsSync(room)),
    [],
  )
})

test('every domain has a place in the line', () => {
  const folders = globSync('src/domains/*', { cwd: root }).map((path) => path.split('/').at(-1))
  assert.deepEqual(folders.sort(), [...line].sort())
})

test('one file reads the process environment', () => {
  const readers = Object.entries(sources()).filter(([, text]) => text.includes('process.env'))
  assert.deepEqual(
    readers.map(([path]) => path),
    ['core/config.ts'],
  )
})

/** Where text becomes a moment: by rules that do not hang on the machine's zone, in one file. */
const momentsOfText = ['core/time.ts']

/** Files that hand a text to the engine's own reading of dates. Of a number, `new Date` is a conversion and not a reading. */
function readersOfDates(files: Record<string, string>): string[] {
  const ofNumbers =
    /^(?:\)|current\)|Number\(|Math\.|Date\.UTC\(|millisecondsOf\(|dateOf\(\w+\)\.getTime\(\) [-+] |(?:[\w.]|\(\))+ [-+*/] |over > now \?|\(Math\.|[\w.]+\.getTime\(\)|0\))/
  return Object.entries(files).flatMap(([path, text]) => {
    if (momentsOfText.includes(path)) return []
    const made = [...text.matchAll(/\bnew Date\(\s*([^\n]*)/g)].map(([, given = '']) => given)
    const reads = /\bDate\.parse\b/.test(text) || made.some((given) => !ofNumbers.test(given))
    return reads ? [path] : []
  })
}

test('only one file reads dates from text', () => {
  assert.deepEqual(readersOfDates(sources()), [])
  const planted = [
    "new Date(row['at'] as string)",
    'new Date(request.body.at)',
    "new Date('2026-01-31')",
    'Date.parse(text)',
    'list.map(Date.parse)',
    'new Date(at).getTime() + 5',
  ]
  for (const text of planted)
    assert.deepEqual(readersOfDates({ 'domains/runs/rules.ts': text, 'core/time.ts': text }), ['domains/runs/rules.ts'])
  const harmless = [
    'new Date()',
    'new Date(now.getTime() + day)',
    'new Date(Number(value))',
    'new Date(Math.min(a, b))',
  ]
  for (const text of harmless) assert.deepEqual(readersOfDates({ 'domains/runs/rules.ts': text }), [])
})

test('what is tested on one engine only holds no store', () => {
  const stores = Object.keys(sources()).filter((path) => /store\.ts$/.test(path))
  assert.deepEqual(
    stores.filter((path) => aboveTheStores.some((part) => `src/${path}`.startsWith(part))),
    [],
  )
  for (const part of aboveTheStores) assert.ok(existsSync(new URL(`../${part}`, import.meta.url)), part)
})

test('only the stores speak SQL', () => {
  assert.deepEqual(speakersOfSql(sources()), [])
  const planted = [
    "db.selectFrom('runs')",
    "sqlite.prepare('select 1')",
    'await sql`delete from runs`.execute(db)',
    'await sql<Row>`select 1`.execute(db)',
  ]
  for (const text of planted)
    assert.deepEqual(speakersOfSql({ 'domains/runs/runs.ts': text, 'domains/runs/store.ts': text }), [
      'domains/runs/runs.ts',
    ])
})

/** Files of domains that parse a stored column themselves: `recordsOf` of their store does. */
function rowParsers(files: Record<string, string>): string[] {
  const parses = /\bJSON\.parse\((?:String\()?(?:\w+\.\w+|content|definition|guards|plan|routing)\)/
  return Object.entries(files).flatMap(([path, text]) =>
    path.startsWith('domains/') && parses.test(text) ? [path] : [],
  )
}

test('no JSON of a row is parsed outside core/database/row.ts', () => {
  assert.deepEqual(rowParsers(sources()), [])
  const planted = {
    'domains/runs/runs.ts': 'const plan = JSON.parse(row.plan) as Plan',
    'domains/runs/reading.ts': 'rows.map(({ content }) => JSON.parse(content))',
    'domains/runs/body.ts': "JSON.parse(body.toString('utf8'))",
    'core/database/row.ts': 'JSON.parse(row.text)',
  }
  assert.deepEqual(rowParsers(planted), ['domains/runs/runs.ts', 'domains/runs/reading.ts'])
})

test('no source file is longer than 350 lines', () => {
  const long = Object.entries(sources()).filter(([, text]) => text.split('\n').length > 351)
  assert.deepEqual(
    long.map(([path]) => path),
    [],
  )
})

test('no function is longer than 80 lines', () => {
  const long = Object.entries(sources()).flatMap(([path, text]) =>
    functionsOf(text)
      .filter(({ lines }) => lines > 80)
      .map(({ name }) => `${path} ${name}`),
  )
  assert.deepEqual(long, [])
})

test('a long function is found however it is written, and a text that only looks like one is not', () => {
  const body = (lines: number) => '  work()\n'.repeat(lines - 2)
  const planted = [
    `async function declared(ctx: Context, { a }: { a: string }): Promise<{ b: string }> {\n${body(81)}}`,
    `const arrow = (a: string): string => {\n${body(82)}}`,
    `export function outer(): void {\n  list.map((one) => {\n${body(82)}  })\n}`,
    `const text = 'function quoted() {'\nconst brace = /[{]/.test(\`{ \${text} function written() {\`)`,
    `function short(): 'a' | { b: number } {\n${body(80)}}`,
  ].join('\n')
  assert.deepEqual(
    functionsOf(planted).map(({ name, lines }) => `${name} ${lines}`),
    ['declared 81', 'outer 84', 'short 80', 'arrow 82', 'map 82'],
  )
})

/** The names under which files, folders and exports can be found, as one word each. */
function namesIn(files: Record<string, string>): Set<string> {
  const exported = /^export (?:async )?(?:function\*?|const|type|class) (\w+)/gm
  const names = Object.entries(files).flatMap(([path, text]) => [
    ...path.replace(/\.ts$/, '').split('/'),
    ...[...text.matchAll(exported)].map((match) => match[1] ?? ''),
  ])
  return new Set(names.map((name) => name.replaceAll('-', '').toLowerCase()))
}

function unknownWords(glossary: string, files: Record<string, string>): string[] {
  const names = namesIn(files)
  const words = [...glossary.matchAll(/^- \*\*([a-z -]+)\*\*: \S/gm)].map((match) => match[1] ?? '')
  return words.filter((word) => ['', 's', 'es'].every((ending) => !names.has(word.replaceAll(/[ -]/g, '') + ending)))
}

test('the glossary has 25 words, and each is the name of a folder, a file or an export', () => {
  const [, words = ''] = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').split(/^## Words$/m)
  const [glossary = ''] = words.split(/^## /m)
  assert.equal(glossary.match(/^- \*\*/gm)?.length, 25)
  assert.deepEqual(unknownWords(glossary, sources()), [])
  const planted = '- **golden set**: items\n- **alias**: a name\n- **phlogiston**: nothing\n'
  const files = { 'domains/evaluation/golden/golden-sets.ts': '', 'aliases.ts': '' }
  assert.deepEqual(unknownWords(planted, files), ['phlogiston'])
})

test('off loopback every route asks who calls, except those that are open to anyone', async (t) => {
  const app = await testApp(t, { settings: { host: '0.0.0.0' } })
  const open = new Set([
    '/api/v1/info',
    '/api/v1/openapi.json',
    '/schemas/:name',
    '/api/v1/sign-in',
    '/api/v1/invitations/read',
    '/api/v1/invitations/accept',
    '/sign-in/provider',
    '/sign-in/provider/callback',
    '/',
    '/*',
    '/health',
    '/version',
    '/v2/health/live',
    '/v2/health/ready',
  ])
  const unknownCalls = ['/api/2.0/*', '/api/3.0/*', '/ajax-api/*']
  const answered: string[] = []
  for (const route of routesOfServer(app)) {
    const { method, pattern } = route
    if (open.has(pattern) || unknownCalls.includes(pattern)) continue
    const url = urlOf(route)
    const reply = await app.server.inject({
      method: method as 'GET',
      url,
      headers: { host: 'keel.example' },
      remoteAddress: '192.0.2.1',
    })
    answered.push(pattern)
    assert.equal(reply.statusCode, 401, `${method} ${url} answered ${reply.statusCode}`)
  }
  assert.ok(answered.length > 80, `only ${answered.length} routes were found`)
})
