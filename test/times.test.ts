import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../src', import.meta.url))

/** Arguments of `new Date(…)`, with calls inside of them. */
const made = /new Date\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g

/** A calculation with milliseconds, or none at all: no text can be in there. */
const counted = /^$|^\d+$| [-+*] |Math\.|Date\.UTC|\.getTime\(\)|^Number[.(]/

/** Milliseconds by their type, which no form tells. */
const milliseconds = new Set(['core/clock.ts: current'])

/** `Date.parse` may read what this program has written itself, which always ends in Z. */
const ownTimes =
  /^domains\/(monitoring|delivery)\/|^domains\/serving\/log\/|^protocols\/(prometheus\/metrics|mlflow\/(registry-views|webhooks))\.ts$|^cli\/(demo\/replay|commands\/policy)\.ts$/

/** Every place where a text might become a moment by the rules of the machine that reads it. */
function guesses(files: Record<string, string>): string[] {
  return Object.entries(files).flatMap(([file, text]) => {
    if (file === 'core/time.ts') return []
    const dates = [...text.matchAll(made)]
      .map(([, argument = '']) => argument.trim())
      .filter((argument) => !counted.test(argument) || /['"`]/.test(argument))
      .map((argument) => `${file}: ${argument}`)
      .filter((place) => !milliseconds.has(place))
    const parsed = text.includes('Date.parse(') && !ownTimes.test(file) ? [`${file}: Date.parse`] : []
    return [...dates, ...parsed]
  })
}

test('no text from outside becomes a moment but by the one reader of times', () => {
  const files = globSync('**/*.ts', { cwd: source }).filter((file) => !/\.(test|fixture)\.ts$/.test(file))
  assert.deepEqual(
    guesses(Object.fromEntries(files.map((file) => [file, readFileSync(join(source, file), 'utf8')]))),
    [],
  )
})

test('a planted text that becomes a moment is found', () => {
  const planted = {
    'domains/delivery/live.ts': `const moment = new Date(input.at).toISOString()`,
    'cli/commands/data.ts': `const at = Date.parse(text)`,
    'domains/features/online-view.ts': `const at = new Date(day + 'T00:00' + zone)`,
    'core/clock.ts': `const due = new Date(Math.floor(now / day) * day)`,
  }
  assert.deepEqual(guesses(planted), [
    'domains/delivery/live.ts: input.at',
    'cli/commands/data.ts: Date.parse',
    `domains/features/online-view.ts: day + 'T00:00' + zone`,
  ])
})
