import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Candidate,
  commentLimitBytes,
  commentsOf,
  exitCodeOf,
  junitOf,
  markdownOf,
  markerOf,
  type Report,
  requirementsExitCode,
  worstOf,
} from './report.ts'

type Verdict = Candidate['gate']['verdict']

function candidate(
  verdict: Verdict,
  { missing = [] as string[], approvedBy = null as string | null, checks = 1, reason = 'because' } = {},
): Candidate {
  const gate: Candidate['gate'] = {
    id: 'gate_1',
    model: 'trip-late',
    version: 2,
    verdict,
    summary: reason,
    checks: Array.from({ length: checks }, (_, index) => ({
      check: `check ${index}`,
      verdict,
      required: true,
      value: 0.5,
      limit: 0.1,
      n: 100,
      reason,
    })),
    evaluation: null,
    evidence: {},
    digest: `sha256:${'0'.repeat(64)}`,
    createdAt: '2026-01-01T00:00:00.000Z',
  }
  const release: Candidate['release'] = {
    model: 'trip-late',
    version: 2,
    ready: missing.length === 0,
    requirements: missing.map((requirement) => ({
      requirement,
      verdict: 'fail' as const,
      blocks: true,
      met: false,
      detail: `a ${requirement}`,
    })),
    plan: null,
    planDigest: null,
    policy: null,
  }
  return { model: 'trip-late', version: 2, gate, release, approvedBy }
}

const report = (...candidates: Candidate[]): Report => ({
  project: 'trips',
  plan: { digest: `sha256:${'1'.repeat(64)}`, changes: [], refusals: [], notices: [] },
  candidates,
  exitCode: worstOf(candidates.map(exitCodeOf)),
})

test('the exit code says what became of the candidate', () => {
  assert.equal(exitCodeOf(candidate('pass')), 0)
  assert.equal(exitCodeOf(candidate('fail')), 3)
  assert.equal(exitCodeOf(candidate('cannot_tell')), 4)
  assert.equal(exitCodeOf(candidate('cannot_tell', { approvedBy: 'bo', missing: ['gate'] })), 0)
  assert.equal(exitCodeOf(candidate('fail', { approvedBy: 'bo' })), 3)
  assert.equal(exitCodeOf(candidate('pass', { missing: ['lineage'] })), 5)
  assert.equal(exitCodeOf(candidate('error')), 1)
})

test('what cannot be told and does not block leaves the exit code alone, is named in the comment, and skipped in JUnit', () => {
  const untold = candidate('pass')
  untold.release.requirements.push({
    requirement: 'train/serve skew',
    verdict: 'cannot_tell',
    blocks: false,
    met: false,
    detail: 'cannot tell yet: 3 rows',
  })
  assert.equal(exitCodeOf(untold), 0)
  assert.match(markdownOf(report(untold)), /not blocking:\n- ❔ train\/serve skew: cannot tell yet: 3 rows/)
  assert.match(junitOf(report(untold)), /failures="0" errors="0" skipped="1"/)
})

test('a release that only waits for what cannot be told exits with 4, one that misses something else with 5', () => {
  const untold = { requirement: 'gate', verdict: 'cannot_tell' as const, blocks: true, met: false, detail: '' }
  assert.equal(requirementsExitCode([{ ...untold, blocks: false }]), 0)
  assert.equal(requirementsExitCode([untold]), 4)
  assert.equal(requirementsExitCode([untold, { ...untold, requirement: 'lineage', verdict: 'fail' }]), 5)
})

test('several candidates are as bad as the worst of them', () => {
  assert.equal(worstOf([]), 0)
  assert.equal(worstOf([0, 4, 3, 5]), 3)
  assert.equal(worstOf([0, 5, 4]), 5)
})

test('the comment begins with its hidden marker and stays below 60 KB, however much there is to say', () => {
  const long = markdownOf(report(candidate('fail', { checks: 2_000, reason: 'ü'.repeat(500) })))
  assert.ok(long.startsWith(markerOf('trips')))
  assert.ok(Buffer.byteLength(long) < commentLimitBytes, String(Buffer.byteLength(long)))
  assert.match(long, /report\.json/)
})

test('two jobs of one pull request that judge a model each have a comment each', () => {
  const one = report(candidate('pass', {}))
  const [first] = one.candidates
  assert.ok(first)
  const other = { ...one, candidates: [{ ...first, model: 'other' }] }
  const markers = [one, other].flatMap((job) =>
    commentsOf(job).map(({ marker, body }) => [marker, body.startsWith(marker)]),
  )
  assert.deepEqual(markers, [
    [markerOf('trips', first.model), true],
    [markerOf('trips', 'other'), true],
  ])
  const both = commentsOf({ ...one, candidates: [...one.candidates, ...other.candidates] })
  assert.deepEqual(
    both.map(({ marker }) => marker),
    markers.map(([marker]) => marker),
  )
})

test('what people named cannot draw tables, markup or attention', () => {
  const hostile = '| x | <script>alert(1)</script> @everyone `code` [a](b)\n\n# big'
  const text = markdownOf(report(candidate('fail', { reason: hostile })))
  assert.ok(!text.includes('<script>'))
  assert.ok(!text.includes('@everyone'))
  assert.ok(!/^# big/m.test(text))
  assert.ok(text.includes('\\| x \\|'))
  assert.equal(markerOf('a --> b').indexOf('-->'), markerOf('a --> b').length - 3)
})

test('an undecided candidate says how it may be signed, for exactly this evidence', () => {
  const text = markdownOf(report(candidate('cannot_tell')))
  assert.match(text, /keel approve trip-late@2 --report sha256:0{64}/)
})

test('JUnit counts a failed check as a failure, one that cannot tell as an error, and escapes', () => {
  const text = junitOf(
    report(candidate('fail', { reason: '"<&>"\u0000', missing: ['lineage'] }), candidate('cannot_tell')),
  )
  assert.match(text, /tests="2" failures="2" errors="0"/)
  assert.match(text, /tests="1" failures="0" errors="1"/)
  assert.match(text, /&quot;&lt;&amp;&gt;&quot;/)
  assert.ok(!text.includes('\u0000'))
})
