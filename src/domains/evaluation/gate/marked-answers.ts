import type { Value } from '../../../core/onnx/onnx.ts'
import { mcNemar } from '../../../core/stats/paired-proportions.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { ComparisonRun } from '../evaluate/evaluate.ts'
import type { GateCheck } from '../rules.ts'

type MarksOfRepeat = registry.AnswerMark[][]
const proof = 0.05

/**
 * Answers that are cut off, refused, filtered or otherwise no plain answers, counted for both sides. Those without a text count
 * as wrong, the others are scored as they stand: whoever reads the table knows how many. More of them than on the other side,
 * beyond doubt, fails; none that could be used is an error.
 */
export function markedChecks(spec: ModelSpec, run: ComparisonRun): GateCheck[] {
  const { candidate, baseline } = marksOf(spec, run)
  const [own, other] = [registry.countMarks(candidate.flat()), registry.countMarks(baseline.flat())]
  const [count, against] = [markedIn(candidate), markedIn(baseline)]
  if (count + against === 0) return []
  const n = candidate.flat().length
  const { onlyCandidate, onlyBaseline } = discordant(candidate, baseline)
  const proven = onlyCandidate > onlyBaseline && mcNemar(onlyCandidate, onlyBaseline).exact / 2 < proof
  const nothing = run.recorded.candidate.flat().every((answer) => answer === null)
  const verdict = nothing ? 'error' : proven ? 'fail' : count === 0 ? 'pass' : 'cannot_tell'
  const sides = `${marked(count, n, own)} of the candidate, ${marked(against, baseline.flat().length, other)} of ${run.against}`
  return [
    {
      check: 'marked answers',
      verdict,
      required: nothing || proven,
      value: count,
      limit: against,
      n,
      reason: [
        sides,
        ...(nothing ? ['the candidate gave no answer that could be used'] : []),
        ...(proven ? [`only the candidate on ${onlyCandidate} items, only the other on ${onlyBaseline}`] : []),
        'answers without a text count as wrong, the others are scored as they stand',
        ...(own.cut_off ? ['more room for answers is "max_tokens" under "serves.provider"'] : []),
      ].join('; '),
    },
  ]
}

function marked(count: number, n: number, by: registry.MarkCounts): string {
  return `${count} of ${n} answers${count === 0 ? '' : ` (${registry.markWords(by)})`}`
}

function markedIn(repeats: readonly MarksOfRepeat[]): number {
  return repeats.flat().filter((marks) => marks.length > 0).length
}

/** What was said when they were asked; of answers that say it themselves, what they say. */
function marksOf(
  { serves }: ModelSpec,
  { recorded }: ComparisonRun,
): { candidate: MarksOfRepeat[]; baseline: MarksOfRepeat[] } {
  if (recorded.marks) return recorded.marks
  const derived = (answers: readonly Value[][], ofNothing: boolean) =>
    answers.map((repeat) =>
      repeat.map((answer) => {
        // A baseline that broke on an item has no answer either, and is counted by a check of its own.
        const mark = answer === null && !ofNothing ? undefined : registry.markOfValue(answer, serves.output)
        return mark === undefined ? [] : [mark]
      }),
    )
  return { candidate: derived(recorded.candidate, true), baseline: derived(recorded.baseline, false) }
}

/** Items that only one side has a marked answer to, in any repeat. */
function discordant(candidate: readonly MarksOfRepeat[], baseline: readonly MarksOfRepeat[]) {
  const isMarked = (side: readonly MarksOfRepeat[], item: number) =>
    side.some((repeat) => (repeat[item] ?? []).length > 0)
  const items = (candidate[0] ?? []).map((_, item) => [isMarked(candidate, item), isMarked(baseline, item)] as const)
  return {
    onlyCandidate: items.filter(([own, other]) => own && !other).length,
    onlyBaseline: items.filter(([own, other]) => other && !own).length,
  }
}
