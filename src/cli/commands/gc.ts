import { hour, milliseconds } from '../../core/duration.ts'
import { jobs } from '../../jobs.ts'
import { defineCommand, duration, facts, flag, readableBytes, resultOf, withDefault } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Count what nothing names any more, and remove it',
  options: {
    yes: flag('remove; without it only count'),
    grace: withDefault(duration('how long bytes must have been unnamed, such as 12h or 7d', 'time'), '7d'),
    runs: flag('also remove deleted runs and experiments for good, and free their names'),
  },
  examples: ['keel gc', 'keel gc --runs --yes', 'keel gc --yes --grace 30d'],
  async run(session, { options: { yes: apply, grace, runs } }) {
    const client = await session.client()
    const graceHours = milliseconds(grace) / hour
    const purged = runs ? await client.runs.purge({ apply }) : undefined
    const { job } = await client.artifacts.collectGarbage({ apply, graceHours })
    const report = await resultOf(session, client, {
      job,
      output: jobs['artifacts.gc'].output,
      title: 'Collecting garbage',
    })
    return {
      data: { ...report, ...(purged ? { purged } : {}) },
      text: facts([
        ['kept', `${report.kept} blobs, ${readableBytes(report.keptBytes)}`],
        ['unnamed', `${report.unnamed} blobs, ${readableBytes(report.unnamedBytes)}`],
        ['removed', `${report.removed} blobs, ${readableBytes(report.removedBytes)}`],
        ...(purged
          ? ([
              [apply ? 'runs removed' : 'deleted runs', `${purged.runs}, ${readableBytes(purged.bytes)} of files`],
              [apply ? 'experiments removed' : 'deleted experiments', purged.experiments],
              ['kept, because something names them', purged.kept.length],
            ] satisfies [string, string | number][])
          : []),
      ]),
      next: !apply && report.unnamed > 0 ? ['keel gc --yes'] : [],
    }
  },
})
