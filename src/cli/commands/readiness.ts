import { argument, defineCommand, number, table } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'The ML Test Score of a model, computed from the records',
  args: { model: argument() },
  async run(session, { args: { model } }) {
    const report = await (await session.client()).review.readiness({ model })
    const { sections } = report
    const rows = report.tests.map((row) => [row.test, row.points, row.title, row.evidence])
    return {
      data: report,
      text: `Score ${number(report.score, 1)}: the least of data ${number(sections.data, 1)}, model ${number(sections.model, 1)}, infrastructure ${number(sections.infrastructure, 1)}, monitoring ${number(sections.monitoring, 1)}\n\n${table(['test', 'points', 'what', 'evidence'], rows)}`,
    }
  },
})
