import { argument, defineCommand, facts, flag, moment, percent, table, time } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'What is live, or was at a time',
  args: { model: argument() },
  options: {
    at: time('such as 2001-05-01T12:00 (UTC)'),
    all: flag('everything that ever was live'),
  },
  async run(session, { args: { model }, options: { all, at } }) {
    const client = await session.client()
    if (all) {
      const { spans } = await client.delivery.timeline({ model })
      return {
        data: spans,
        text: table(
          ['release', 'version', 'from', 'to', 'because'],
          spans.map((span) => [
            seenName(span),
            versionOf(span),
            moment(span.from),
            span.to === null ? 'now' : moment(span.to),
            span.because,
          ]),
        ),
      }
    }
    const result = await client.delivery.liveAt({ model, at })
    const { live, canary } = result
    return {
      data: result,
      text:
        live === null
          ? `Nothing was live for ${model} at ${moment(result.at)}.`
          : facts([
              ['at', moment(result.at)],
              ['live', `${seenName(live)} (${versionOf(live)})`],
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
})

type Named = { release: string; version: number; seenAs: string | null }

/** What was only seen in recorded predictions has the name that they gave. */
function seenName({ release, seenAs }: Named): string {
  return seenAs === null ? release : `${release}, seen in predictions as "${seenAs}"`
}

function versionOf({ version, seenAs }: Named): string {
  return seenAs !== null && version === 0 ? 'no registered version' : `v${version}`
}
