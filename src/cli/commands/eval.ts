import type { Output } from '../../core/contract.ts'
import type { evaluation } from '../../domains/evaluation/contract.ts'
import {
  argument,
  count,
  defineCommand,
  estimate,
  facts,
  modelVersion,
  number,
  percent,
  table,
  text,
  withDefault,
} from '../kit/kit.ts'

type Evaluation = Output<(typeof evaluation)['evaluate']>
type Representativeness = NonNullable<Evaluation['representativeness']>

export const command = defineCommand({
  summary: 'Run a version and what is live on the same golden items, paired',
  args: { given: argument('model@version') },
  options: {
    against: text(
      'live (default), baseline, v3, alias.<alias>, golden.<column>, or command (that of the spec)',
      'what',
    ),
  },
  async run(session, { args: { given }, options: { against } }) {
    const result = await (await session.client()).evaluation.evaluate({
      ...modelVersion(given),
      against,
    })
    return {
      data: result,
      text: describeEvaluation(result),
      next: [`keel gate ${given}`, `keel eval outputs ${result.id}`],
    }
  },
  commands: {
    outputs: defineCommand({
      summary: 'What both sides answered to each item of an evaluation',
      args: { id: argument('evaluation') },
      options: {
        limit: withDefault(count('how many'), 20),
        cursor: text('where the page before ended', 'cursor'),
      },
      async run(session, { args: { id }, options: { limit, cursor } }) {
        const result = await (await session.client()).evaluation.listOutputs({
          evaluation: id,
          limit,
          cursor,
        })
        const shown = (values: unknown[]) => values.map((value) => String(value ?? '–').slice(0, 40)).join(' | ')
        const rows = result.items.map((item) => [
          item.id,
          String(item.label).slice(0, 40),
          shown(item.candidate.answers),
          shown(item.baseline.answers),
        ])
        return {
          data: result,
          text: table(['item', 'label', 'candidate', 'baseline'], rows),
          next: result.next === undefined ? [] : [`keel eval outputs ${id} --cursor ${result.next}`],
        }
      },
    }),
    metrics: {
      summary: 'Every metric that a spec may name, and what it says',
      async run(session) {
        const { items } = await (await session.client()).evaluation.listMetrics({})
        return {
          data: items,
          text: table(
            ['answers', 'metric', 'best', 'what it says'],
            items.map(({ task, metric, direction, says }) => [task, metric, direction, says]),
          ),
        }
      },
    },
  },
})

function describeEvaluation(result: Evaluation): string {
  const metrics = table(
    ['metric', `v${result.version}`, result.against],
    result.metrics.map((row) => [row.metric, estimate(row.candidate), row.baseline ? estimate(row.baseline) : null]),
  )
  const slices = table(
    ['slice', 'n', 'candidate', 'baseline', 'difference', 'verdict'],
    result.slices.map((row) => [
      `${row.slice}=${row.value}`,
      row.n,
      number(row.candidate),
      number(row.baseline),
      estimate(row.difference),
      row.verdict.replaceAll('_', ' '),
    ]),
  )
  const { primary, representativeness } = result
  return [
    `${result.model}@${result.version} against ${result.against} on ${result.golden} v${result.goldenVersion} (n ${result.n})`,
    `${primary.metric}: ${primary.verdict.replaceAll('_', ' ')} – ${primary.reason}`,
    metrics,
    slices,
    ...(result.stability.length === 0 ? [] : [describeStability(result)]),
    ...(result.hidden === null ? [] : [describeHidden(result.hidden)]),
    ...result.judges.map(describeJudge),
    `Simple baselines: ${result.simpleBaselines.map(({ name, metric, value }) => `${name} ${metric} ${number(value)}`).join(', ')}`,
    ...(representativeness === null ? [] : [describeGolden(representativeness)]),
  ].join('\n\n')
}

function describeStability({ stability, version, against }: Evaluation): string {
  return table(
    ['metric', 'of', 'pass@1', 'pass^k', 'flips'],
    stability.flatMap(({ metric, repeats, candidate, baseline }) =>
      [[`v${version}`, candidate] as const, [against, baseline] as const].map(
        ([side, { passOnce, passAlways, flips }]) => [
          `${metric} (${repeats} times)`,
          side,
          percent(passOnce),
          percent(passAlways),
          percent(flips),
        ],
      ),
    ),
  )
}

function describeHidden({ n, difference, gap, overfitted }: NonNullable<Evaluation['hidden']>): string {
  const words = overfitted ? 'The seen items flatter the candidate' : 'Seen and hidden items agree'
  return `Hidden items (${n}): difference ${estimate(difference)}. ${words}: gap ${estimate(gap)}.`
}

function describeJudge({ name, model, golden, goldenVersion, kappa }: Evaluation['judges'][number]): string {
  const where = golden === null ? 'never checked against people' : `on ${golden} v${goldenVersion}`
  return `Judge ${name} (${model}): kappa with people ${estimate(kappa)} ${where}`
}

function describeGolden(found: Representativeness): string {
  const { population, coverage, weighted, domainAuc, novelty, age, overlap, fresh, warnings } = found
  const rows: [string, string][] = [
    [
      'production',
      population
        ? `${population.n} rows of ${population.from.slice(0, 10)} … ${population.to.slice(0, 10)}`
        : 'not sampled yet',
    ],
  ]
  if (coverage) {
    const where = coverage.by.length === 0 ? 'as a whole' : `by ${coverage.by.join(', ')}`
    rows.push([`coverage@${coverage.fewest}`, `${percent(coverage.share)} of traffic ${where}`])
    for (const cell of coverage.uncovered.slice(0, 3)) {
      rows.push(['  not covered', `${cell.cell}: ${percent(cell.traffic)} of traffic, ${cell.items} items`])
    }
  }
  if (weighted)
    rows.push([
      'weighted',
      `${number(weighted.value)} (raw ${number(weighted.raw)}), worth ${number(weighted.effectiveItems, 0)} items`,
    ])
  if (domainAuc) rows.push(['domain AUC', `${estimate(domainAuc)}; 0.5 is alike`])
  if (novelty) rows.push(['novelty', `${estimate(novelty)}; 0.05 is alike`])
  if (age) rows.push(['age', `median ${number(age.medianDays, 0)} days, ${percent(age.under90Days)} under 90`])
  if (overlap) rows.push(['trained on', `${overlap.shared} of ${overlap.of} items`])
  if (fresh)
    rows.push([
      'fresh items',
      `${fresh.metric} ${number(fresh.production)} (golden ${number(fresh.golden)}), difference ${estimate(fresh)}${fresh.stale ? ': stale' : ''}`,
    ])
  return `Is the golden set like production?\n${facts(rows)}${warnings.map((warning) => `\n! ${warning}`).join('')}`
}
