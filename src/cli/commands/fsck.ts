import { jobs } from '../../jobs.ts'
import { type Command, readableBytes, resultOf } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Re-hash all stored bytes and look for what is missing',
  async run(session) {
    const client = await session.client()
    const { job } = await client.artifacts.checkStore({})
    const report = await resultOf(session, client, { job, output: jobs['artifacts.fsck'].output, title: 'Checking' })
    const lines = [
      `${report.checked} blobs, ${readableBytes(report.bytes)}: ${report.ok ? 'all as named, none missing.' : 'NOT all right.'}`,
      ...report.damaged.map((digest) => `damaged  ${digest}`),
      ...report.missing.map(({ digest, where }) => `missing  ${digest}  ${where}`),
      ...(report.orphans > 0 ? [`${report.orphans} are named by nothing, ${readableBytes(report.orphanBytes)}.`] : []),
    ]
    return {
      data: report,
      text: lines.join('\n'),
      exitCode: report.ok ? 0 : 1,
      next: report.orphans > 0 ? ['keel gc'] : [],
    }
  },
}
