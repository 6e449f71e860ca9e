import { argument, count, defineCommand, facts, moment, table } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Run a logged prediction again, on any version, with features as they were known then',
  args: { prediction: argument() },
  options: { on: count('another version of the model', 'version') },
  async run(session, { args: { prediction }, options: { on } }) {
    const replay = await (await session.client()).serving.replay({
      prediction,
      version: on,
    })
    const { logged } = replay
    return {
      data: replay,
      text: [
        facts([
          ['prediction', logged.id],
          ['at', moment(logged.at)],
          ['answered', `${logged.output} by ${logged.release} (v${logged.version})`],
          ['replayed', `${replay.output} by v${replay.version}`],
          ['arm', logged.fallback ? `${logged.arm}, in place of a release that could not answer` : logged.arm],
          ['took', `${logged.latencyMs.toFixed(1)} ms${logged.bad === null ? '' : `, ${logged.bad}`}`],
          ['marks', logged.marks.length === 0 ? undefined : logged.marks.join(', ')],
          ['trace', logged.traceId],
          [
            'label',
            logged.label === null || typeof logged.label !== 'object' ? logged.label : JSON.stringify(logged.label),
          ],
        ]),
        table(
          ['input', 'served', 'known since', 'recomputed', ''],
          Object.entries(replay.recomputed).map(([name, value]) => [
            name,
            logged.inputs[name],
            logged.knownAt[name] === undefined ? undefined : moment(logged.knownAt[name]),
            value,
            replay.differing.includes(name) ? 'DIFFERS' : '',
          ]),
        ),
      ].join('\n\n'),
    }
  },
})
