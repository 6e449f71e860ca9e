import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

type Named = { title: string; file: string }

/** The tests that a row names: titles in quotes, then the file that holds them, in turn. */
function namedIn(row: string): Named[] {
  const column = row.split(/(?<!\\) \| /).at(-1) ?? ''
  return [...column.matchAll(/((?:"(?:[^`])+?"(?:, |; )?)+) ?\(`([^`]+)`\)/g)].flatMap(([, titles = '', file = '']) =>
    titles
      .replace(/^[,; ]+/, '')
      .replace(/^"|"$/g, '')
      .split(/", "/)
      .map((title) => ({ title, file })),
  )
}

const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Whether a file has a test of this title; what a template fills in may be `…` or anything. */
function hasTest(text: string, title: string): boolean {
  const titles = [...text.matchAll(/\btest\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs)].map(([, , found = '']) =>
    found.replaceAll("\\'", "'"),
  )
  return titles.some((found) => {
    const parts = found.split(/\$\{[^}]*\}/).map(literal)
    return new RegExp(`^${parts.join('.*')}$`).test(title)
  })
}

function untested(page: string, read: (file: string) => string | undefined): string[] {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| case \|/.test(line))
  return rows.flatMap((row) => {
    const named = namedIn(row)
    const wrong = named.filter(({ title, file }) => !hasTest(read(file) ?? '', title))
    return named.length === 0 ? [`no test: ${row.slice(0, 80)}`] : wrong.map(({ title, file }) => `${file}: ${title}`)
  })
}

test('every case of the list names a test, and the test is where the list says', () => {
  const page = readFileSync(join(root, 'docs/cases.md'), 'utf8')
  assert.ok(page.split('\n').filter((line) => line.startsWith('| ')).length > 30)
  const read = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined)
  assert.deepEqual(untested(page, read), [])
  const planted = '| a | b | "one", "gone" (`x.test.ts`); "two (7)" (`y.test.ts`) |\n| c | d | by hand |'
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what a test file may hold
  const files: Record<string, string> = { 'x.test.ts': "test('one', () => {})", 'y.test.ts': 'test(`two (${n})`, run)' }
  assert.deepEqual(
    untested(planted, (file) => files[file]),
    ['x.test.ts: gone', 'no test: | c | d | by hand |'],
  )
})
