import { type MissingCount, missingShares } from '../../../core/stats/missing-share.ts'
import { mergeSketches, type Sketch } from '../../../core/stats/sketch.ts'
import type { BaselineProfile, Drift } from '../rules.ts'
import type { Settings } from '../settings.ts'
import type { Accumulator } from './accumulator.ts'
import { residualColumn, scoreColumn } from './baseline.ts'
import type { Window } from './summary.ts'

type JudgeSettings = Pick<Settings, 'minRows' | 'omitted' | 'lengthsOnly'>
type NotJudged = NonNullable<Window['notJudged']>

/** Keeps what can be told of each column, and names the rest with the reason: neither drifted nor steady. */
export function judgedOnly(
  baseline: Pick<BaselineProfile, 'columns'>,
  drift: readonly Drift[],
  settings: JudgeSettings,
): { drift: Drift[]; notJudged: NotJudged } {
  const notJudged: NotJudged = []
  const judged: Drift[] = []
  for (const { column, sketch } of baseline.columns) {
    if (column === residualColumn) continue
    const found = drift.find((one) => one.column === column)
    const because = whyNot(column, sketch, found, settings)
    if (because !== undefined) notJudged.push({ column, because })
    else if (found) judged.push(found)
  }
  return { drift: judged, notJudged }
}

function whyNot(
  column: string,
  trained: Sketch,
  found: Drift | undefined,
  { minRows, omitted, lengthsOnly }: JudgeSettings,
): string | undefined {
  if (omitted.has(column)) return 'the log leaves it out (serves.log.omit)'
  if (lengthsOnly && trained.reference.kind === 'categorical') return 'the log keeps only the length of its texts'
  const before = missingIn(trained)
  if (before.missing === before.n) return 'all of its values are missing in training'
  if (!found || found.tests.m === 0 || found.tests.n === 0) return 'nothing was served'
  if (found.tests.missing === 1) return `all of its ${found.tests.m} values are missing`
  if (found.drifted || found.tests.m >= minRows) return undefined
  return `${found.tests.m} of the ${minRows} rows that monitoring.min_rows asks for`
}

/** The share of missing values of each input of a release, in its window alone, beside training. */
export function missingOf(
  { sketches }: Pick<Accumulator, 'sketches'>,
  baseline: BaselineProfile | undefined,
  { omitted }: Pick<Settings, 'omitted'>,
): NonNullable<Window['missing']> {
  const inputs = (baseline?.columns ?? []).filter(
    ({ column }) => column !== scoreColumn && column !== residualColumn && !omitted.has(column),
  )
  const hours = [...sketches.hours.values()]
  const counts = inputs.map(({ column, sketch }) => {
    const own = hours.flatMap((hour) => hour.get(column) ?? [])
    const [first, ...rest] = own
    const now = first ? missingIn(rest.reduce(mergeSketches, first)) : { missing: 0, n: 0 }
    return { reference: missingIn(sketch), now }
  })
  return missingShares(counts).flatMap((share, index) =>
    share ? [{ column: inputs[index]?.column ?? '', ...share }] : [],
  )
}

function missingIn({ counts }: Sketch): MissingCount {
  return { missing: counts.at(-1) ?? 0, n: counts.reduce((sum, count) => sum + count, 0) }
}
