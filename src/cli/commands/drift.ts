import type { Command } from '../command.ts'
import { estimate, facts, moment, number, table } from '../output.ts'

export const command: Command = {
  summary: 'Did the world move, and does it matter?',
  arguments: '<model>',
  async run(session, { args: [model = ''] }) {
    const report = await (await session.client()).monitoring.drift({ model })
    if (!report.window) return { data: report, text: 'No window is complete yet.' }
    const { window } = report
    const rows = window.drift.map((row) => [
      row.column,
      number(row.psi),
      number(row.critical),
      row.drifted ? 'drifted' : 'steady',
    ])
    return {
      data: report,
      text: [
        facts([
          [
            'window',
            `${moment(window.from)} – ${moment(window.to)}, ${window.requests} requests, ${window.labelled} labelled`,
          ],
          ['reference', report.reference],
          ['predicted – observed', estimate(window.bias)],
        ]),
        table(['column', 'PSI', 'threshold', ''], rows),
      ].join('\n\n'),
    }
  },
}
