import assert from 'node:assert/strict'
import { cpSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../support/folder.ts'
import { follow, readGuide, root, stepsOf } from '../support/guide.ts'

/** What stands on a prepared server, or on a machine without Python, has a test of its own: `guides.test.ts`, `elsewhere.test.ts`. */
const prepared = ['serving.md', 'llm.md', 'elsewhere.md']
/** Where a step needs Python with packages, `npm run interop:first-steps` follows it. */
const needsPython = (text: string) => text.includes('<!-- needs Python')

const guides = [
  ...globSync('docs/guides/*.md', { cwd: root }),
  ...globSync('examples/*/README.md', { cwd: root }),
].filter((path) => {
  const text = readFileSync(join(root, path), 'utf8')
  return !prepared.includes(basename(path)) && /^```sh$/m.test(text) && !needsPython(text)
})

for (const path of guides)
  test(`whoever types ${path} gets what it says`, { timeout: 300_000 }, async (t) => {
    const cwd = temporaryFolder(t)
    if (path.startsWith('examples/')) cpSync(join(root, path, '..'), cwd, { recursive: true })
    await follow(readGuide(path), { cwd, name: path })
  })

test('every guide is in the index of the README, and the README names none that is not there', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const named = [...readme.matchAll(/\(docs\/guides\/([\w-]+\.md)\)/g)].map(([, name]) => name)
  const there = globSync('*.md', { cwd: join(root, 'docs/guides') })
  assert.deepEqual([...new Set(named)].sort(), there.sort())
})

test('a guide that went stale fails by the command, the code or the line that is not so', async (t) => {
  const cwd = temporaryFolder(t)
  const guide = (body: string) => follow(stepsOf(body), { cwd, name: 'guide' })
  await assert.rejects(guide('```sh\nkeel statsu\n```\n'), /guide: keel statsu[\s\S]*not a command/)
  await assert.rejects(guide('```sh\ntrue # exit code 3\n```\n'), /0 !== 3/)
  await assert.rejects(guide('```sh\necho one two\n```\n```text shown\none … three\n```\n'), /not shown/)
  await guide(
    '```sh\necho one  two three\nexport A=4\n```\n```text shown\none two … three\n```\n```sh\n[ "$A" = 4 ]\n```\n',
  )
  await guide(
    '```yaml title="a/b.yaml"\nx: 1\n```\n```sh\ngrep x a/b.yaml\n```\n<!-- not run: for another day -->\n```sh\nfalse\n```\n',
  )
})
