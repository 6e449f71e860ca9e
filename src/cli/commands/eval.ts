import type { Output } from '../../core/contract.ts'
import type { evaluation } from '../../domains/evaluation/contract.ts'
import type { Command } from '../command.ts'
import { modelVersion, string } from '../input.ts'
import { estimate, number, table } from '../output.ts'

type Evaluation = Output<(typeof evaluation)['evaluate']>

export const command: Command = {
  summary: 'Run a version and what is live on the same golden items, paired',
  arguments: '<model@version>',
  options: [{ flags: '--against <what>', help: 'live (default), baseline, or a version number' }],
  async run(session, { args: [given = ''], options }) {
    const against = string(options['against'])
    const result = await (await session.client()).evaluation.evaluate({
      ...modelVersion(given),
      ...(against === undefined ? {} : { against }),
    })
    return { data: result, text: describeEvaluation(result), next: [`keel gate ${given}`] }
  },
}

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
  const { primary } = result
  return [
    `${result.model}@${result.version} against ${result.against} on ${result.golden} v${result.goldenVersion} (n ${result.n})`,
    `${primary.metric}: ${primary.verdict.replaceAll('_', ' ')} – ${primary.reason}`,
    metrics,
    slices,
    `Simple baselines: ${result.simpleBaselines.map(({ name, metric, value }) => `${name} ${metric} ${number(value)}`).join(', ')}`,
  ].join('\n\n')
}
