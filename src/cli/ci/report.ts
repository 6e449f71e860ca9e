import { number } from '../../client/format.ts'
import type { Output } from '../../core/contract.ts'
import type { delivery } from '../../domains/delivery/contract.ts'
import type { evaluation } from '../../domains/evaluation/contract.ts'
import type { project } from '../../domains/project/contract.ts'

type Gate = Output<(typeof evaluation)['runGate']>
type ReleasePlan = Output<(typeof delivery)['planRelease']>
type Requirement = ReleasePlan['requirements'][number]
type Plan = Output<(typeof project)['plan']>

export type Candidate = {
  model: string
  version: number
  gate: Gate
  release: ReleasePlan
  /** A second person signed exactly this artifact and this evidence. */
  approvedBy: string | null
}

export type Report = { project: string; plan: Plan; candidates: Candidate[]; exitCode: number }

const codes = { pass: 0, fail: 3, cannot_tell: 4, error: 1 } as const
const refusedCode = 5
/** From harmless to grave: a report is as bad as its worst candidate. */
const gravity = [0, 4, 5, 3, 1]

/** 0 may be released, 3 the gate fails, 4 it cannot tell and nobody signed, 5 something else is missing, 1 an error. */
export function exitCodeOf({ gate, release, approvedBy }: Omit<Candidate, 'model' | 'version'>): number {
  const signed = gate.verdict === 'cannot_tell' && approvedBy !== null
  if (gate.verdict !== 'pass' && !signed) return codes[gate.verdict]
  return requirementsExitCode(release.requirements.filter(({ requirement }) => requirement !== 'gate'))
}

/** 0 nothing blocks the release, 4 all that blocks it is what cannot be told, 5 something else does. */
export function requirementsExitCode(requirements: readonly Requirement[]): number {
  const blocking = requirements.filter(({ blocks }) => blocks)
  if (blocking.length === 0) return 0
  return blocking.every(({ verdict }) => verdict === 'cannot_tell') ? codes.cannot_tell : refusedCode
}

export function worstOf(exitCodes: readonly number[]): number {
  return exitCodes.reduce((worst, code) => (gravity.indexOf(code) > gravity.indexOf(worst) ? code : worst), 0)
}

/** Invisible in the comment; by it the next run for this model finds the comment and changes it instead of adding one. */
export function markerOf(project: string, model?: string): string {
  const about = model === undefined ? project : `${project}/${model}`
  return `<!-- keel-ci ${about.replaceAll('-->', '')} -->`
}

export type Comment = { marker: string; body: string }

/** One comment per model, so that jobs which judge a model each leave the comments of one another alone. */
export function commentsOf(report: Report): Comment[] {
  const models = [...new Set(report.candidates.map(({ model }) => model))]
  if (models.length === 0) return [{ marker: markerOf(report.project), body: markdownOf(report) }]
  return models.map((model) => {
    const candidates = report.candidates.filter((candidate) => candidate.model === model)
    const own = { ...report, candidates, exitCode: worstOf(candidates.map(exitCodeOf)) }
    return { marker: markerOf(report.project, model), body: markdownOf(own, model) }
  })
}

const symbols = { pass: '✅', fail: '❌', cannot_tell: '❔', error: '⚠️' } as const
const words = (text: string) => text.replaceAll('_', ' ')

/** Text from elsewhere as the content of a table cell: nothing in it is markup, and nobody is mentioned by it. */
function cell(text: string | number | null): string {
  return String(text ?? '–')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('@', '&#64;')
    .replace(/[\\`*_[\]|#!]/g, (character) => `\\${character}`)
    .replace(/\s+/g, ' ')
}

function table(headers: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)]
}

/** Forges cut comments at 64 KB; this stays well below. */
export const commentLimitBytes = 60_000

/** One comment: the verdicts first, then what changed and every check, cut where it would be too long. */
export function markdownOf(report: Report, model?: string): string {
  const head = [markerOf(report.project, model), `## keel: ${titleOf(report)}`, '']
  const body = [...report.candidates.flatMap(describeCandidate), ...describePlan(report.plan)]
  const cut = ['', '_Cut: the whole report is in report.json._']
  const kept: string[] = []
  let bytes = Buffer.byteLength([...head, ...cut].join('\n'))
  for (const line of body) {
    bytes += Buffer.byteLength(line) + 1
    if (bytes > commentLimitBytes - 1) return [...head, ...kept, ...cut].join('\n')
    kept.push(line)
  }
  return [...head, ...kept].join('\n')
}

function titleOf({ exitCode, candidates }: Report): string {
  if (candidates.length === 0) return 'nothing to judge'
  const titles: Record<number, string> = {
    0: '✅ may be released',
    1: '⚠️ could not be judged',
    3: '❌ must not ship',
    4: '❔ the evidence cannot tell',
    5: '⛔ something is missing',
  }
  return titles[exitCode] ?? ''
}

function describeCandidate({ model, version, gate, release, approvedBy }: Candidate): string[] {
  const name = `${model}@${version}`
  const checks = gate.checks.map((check) => [
    check.verdict === 'pass' || check.required ? symbols[check.verdict] : '🔸',
    cell(check.check),
    number(check.value),
    number(check.limit),
    String(check.n),
    cell(check.reason),
  ])
  const others = release.requirements.filter(({ requirement }) => requirement !== 'gate')
  const missing = others.filter(({ blocks }) => blocks)
  const untold = others.filter(({ blocks, verdict }) => !blocks && verdict === 'cannot_tell')
  const signature =
    gate.verdict !== 'cannot_tell'
      ? []
      : approvedBy === null
        ? ['', `To sign it, as a second person: \`keel approve ${name} --report ${gate.digest} --reason "…"\``]
        : ['', `Signed by ${cell(approvedBy)} for exactly this artifact and this evidence.`]
  return [
    `### ${symbols[gate.verdict]} ${cell(name)}: ${words(gate.verdict)}`,
    '',
    cell(gate.summary),
    ...(missing.length === 0 ? [] : ['', 'A release also needs:', ...missing.map(({ detail }) => `- ${cell(detail)}`)]),
    ...(untold.length === 0
      ? []
      : [
          '',
          'Not judged, and not blocking:',
          ...untold.map(({ requirement, detail }) => `- ${symbols.cannot_tell} ${requirement}: ${cell(detail)}`),
        ]),
    ...signature,
    '',
    `<details><summary>${gate.checks.length} checks, evidence <code>${cell(gate.digest)}</code></summary>`,
    '',
    ...table(['', 'check', 'value', 'limit', 'n', 'why'], checks),
    '',
    '</details>',
    '',
  ]
}

function describePlan({ changes, refusals }: Plan): string[] {
  const changed = changes.filter(({ action }) => action !== 'unchanged')
  if (changed.length === 0) return ['The files and the server say the same.']
  const rows = changed.map(({ action, kind, name, differences, touches }) => [
    action,
    kind,
    cell(name),
    cell(differences.slice(0, 5).join('; ')),
    cell(touches.join(', ')),
  ])
  return [
    `#### Applying the files changes ${changed.length} definitions`,
    '',
    ...table(['', 'kind', 'name', 'what', 'touches'], rows),
    ...refusals.flatMap(({ detail, hint }) => ['', `**Refused:** ${cell(detail)} ${cell(hint)}`]),
  ]
}

function xml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  // Characters that XML 1.0 does not allow at all are dropped.
  const allowed = [...text].filter((character) => character >= ' ' || '\t\n\r'.includes(character)).join('')
  return allowed.replace(/[&<>"]/g, (character) => entities[character] ?? character)
}

/** JUnit: one suite per candidate, one case per check and requirement. A check that cannot tell is an error only when it is required. */
export function junitOf({ candidates }: Report): string {
  const suites = candidates.map(({ model, version, gate, release }) => {
    const name = `${model}@${version}`
    const cases = [
      ...gate.checks.map(({ check, verdict, required, reason }) => ({
        name: check,
        outcome: verdict === 'pass' ? null : !required ? 'skipped' : verdict === 'fail' ? 'failure' : 'error',
        reason: `${words(verdict)}: ${reason}`,
      })),
      ...release.requirements
        .filter(({ requirement }) => requirement !== 'gate')
        .map(({ requirement, verdict, blocks, detail }) => ({
          name: `release needs ${requirement}`,
          outcome: verdict === 'pass' ? null : !blocks ? 'skipped' : verdict === 'fail' ? 'failure' : 'error',
          reason: detail,
        })),
    ]
    const count = (outcome: string) => cases.filter((one) => one.outcome === outcome).length
    const lines = cases.map(({ name: title, outcome, reason }) => {
      const opening = `<testcase classname="${xml(name)}" name="${xml(title)}"`
      return outcome === null ? `    ${opening}/>` : `    ${opening}><${outcome} message="${xml(reason)}"/></testcase>`
    })
    const counts = `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`
    return `  <testsuite name="${xml(name)}" ${counts}>\n${lines.join('\n')}\n  </testsuite>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="keel ci">\n${suites.join('\n')}\n</testsuites>\n`
}
