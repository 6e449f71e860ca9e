import { invalidInput } from '../../core/errors.ts'
import { argument, defineCommand, facts, modelVersion, moment, table, text } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Sign a version and its gate evidence as a second person; a changed artifact or other evidence voids it',
  args: { given: argument('model@version') },
  options: {
    reason: text('why; needed'),
    report: text('refused when the evidence is no longer this one (keel ci prints it)', 'digest'),
  },
  async run(session, { args: { given }, options: { report, reason } }) {
    if (reason === undefined) {
      throw invalidInput('An approval has a reason.', { name: '--reason', hint: `keel approve ${given} --reason "…"` })
    }
    const approval = await (await session.client()).delivery.approve({
      ...modelVersion(given),
      reason,
      report,
    })
    return {
      data: approval,
      text: facts([
        ['approved', `${approval.model}@${approval.version}`],
        ['by', approval.by],
        ['artifact', approval.artifact],
        ['evidence', approval.report],
      ]),
      next: [`keel release ${given} --dry-run`],
    }
  },
  commands: {
    list: defineCommand({
      summary: 'Approvals of a model, and whether each still holds',
      args: { model: argument() },
      async run(session, { args: { model } }) {
        const { items } = await (await session.client()).delivery.listApprovals({ model })
        const rows = items.map((one) => [
          moment(one.at),
          `v${one.version}`,
          one.by,
          one.valid ? 'holds' : 'void',
          one.reason,
        ])
        return { data: items, text: table(['at', 'version', 'by', '', 'why'], rows) }
      },
    }),
  },
})
