import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The lowest share of lines that tests run, in percent. It only goes up. */
const least = { 'src/core': 95, 'src/domains': 95 }

type Range = { startOffset: number; endOffset: number; count: number }
type Report = { result: { url: string; functions: { ranges: Range[] }[] }[] }

const root = fileURLToPath(new URL('..', import.meta.url))

/** Line coverage by room from what V8 wrote into `folder`; the exit code says whether it is enough. */
function main(folder: string | undefined): number {
  if (folder === undefined || !existsSync(folder)) {
    process.stderr.write('Usage: coverage.ts <folder>, where NODE_V8_COVERAGE had processes write to.\n')
    return 2
  }
  const run = linesRun(folder)
  const rooms = new Map<string, { run: number; all: number }>()
  for (const path of globSync('src/{core,domains}/**/*.ts', { cwd: root })) {
    if (/\.(test|fixture)\.ts$/.test(path)) continue
    const text = readFileSync(join(root, path), 'utf8')
    // No process ever loads what holds nothing but types.
    const lines = holdsCode(text) ? linesOf(text) : []
    const reached = run.get(path)
    for (const room of roomsOf(path)) {
      const sum = rooms.get(room) ?? { run: 0, all: 0 }
      rooms.set(room, { run: sum.run + (reached?.size ?? 0), all: sum.all + lines.length })
    }
  }
  for (const [room, sum] of [...rooms].sort())
    process.stdout.write(`${percent(sum).toFixed(1).padStart(6)} %  ${room}\n`)
  const low = Object.entries(least).filter(([room, share]) => percent(rooms.get(room) ?? { run: 0, all: 0 }) < share)
  for (const [room, share] of low) process.stderr.write(`✖ Tests run less than ${share} % of the lines of ${room}.\n`)
  return low.length > 0 ? 1 : 0
}

const percent = ({ run, all }: { run: number; all: number }) => (all === 0 ? 0 : (100 * run) / all)

/** src/core/stats/x.ts counts for src/core and for src/core/stats. */
function roomsOf(path: string): string[] {
  const [, , ...below] = path.split('/')
  const house = path.split('/').slice(0, 2).join('/')
  return below.length > 1 ? [house, `${house}/${below[0]}`] : [house]
}

/** The lines of each file that any process ran, by their start. */
function linesRun(folder: string): Map<string, Set<number>> {
  const run = new Map<string, Set<number>>()
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report
    for (const { url, functions } of result) {
      if (!url.startsWith('file:')) continue
      const path = relative(root, fileURLToPath(url))
      if (!/^src\/(core|domains)\//.test(path) || !existsSync(join(root, path))) continue
      const found = run.get(path) ?? new Set()
      run.set(path, found)
      const idle = idleRanges(functions.flatMap(({ ranges }) => ranges))
      for (const { start, end } of linesOf(readFileSync(join(root, path), 'utf8')))
        if (!idle(start, end)) found.add(start)
    }
  }
  return run
}

function holdsCode(text: string): boolean {
  return (
    stripTypeScriptTypes(text)
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
      .trim() !== ''
  )
}

/** Types are stripped to blanks, so offsets are those of the source; blank lines are no lines. */
function linesOf(text: string): { start: number; end: number }[] {
  let at = 0
  return text.split('\n').flatMap((line) => {
    const start = at + line.length - line.trimStart().length
    const end = at + line.trimEnd().length
    at += line.length + 1
    return end > start ? [{ start, end }] : []
  })
}

/** Ranges nest, and the innermost one counts. */
function idleRanges(ranges: Range[]): (start: number, end: number) => boolean {
  const outermostFirst = ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
  return (start, end) => {
    let count = 1
    for (const range of outermostFirst) {
      if (range.startOffset > start) break
      if (range.endOffset >= end) count = range.count
    }
    return count === 0
  }
}

process.exitCode = main(process.argv[2])
