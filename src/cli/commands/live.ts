import { type Command, facts, moment, optionalTime, percent, table } from '../kit/kit.ts'

export const command: Command = {
  summary: 'What is live, or was at a time',
  arguments: '<model>',
  options: [
    { flags: '--at <time>', help: 'such as 2001-05-01T12:00 (UTC)' },
    { flags: '--all', help: 'everything that ever was live' },
  ],
  async run(session, { args: [model = ''], options }) {
    const client = await session.client()
    if (options['all'] === true) {
      const { spans } = await client.delivery.timeline({ model })
      return {
        data: spans,
        text: table(
          ['release', 'version', 'from', 'to', 'because'],
          spans.map((span) => [
            span.release,
            `v${span.version}`,
            moment(span.from),
            span.to === null ? 'now' : moment(span.to),
            span.because,
          ]),
        ),
      }
    }
    const at = optionalTime(options['at'])
    const result = await client.delivery.liveAt({ model, ...(at === undefined ? {} : { at }) })
    const { live, canary } = result
    return {
      data: result,
      text:
        live === null
          ? `Nothing was live for ${model} at ${moment(result.at)}.`
          : facts([
              ['at', moment(result.at)],
              ['live', `${live.release} (v${live.version})`],
              ['since', moment(live.from)],
              ['because', live.because],
              ...(canary
                ? [
                    ['canary', `${canary.release} (v${canary.version}) on ${percent(canary.share, 0)}`] as [
                      string,
                      string,
                    ],
                  ]
                : []),
            ]),
    }
  },
}
