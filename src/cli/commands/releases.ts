import { argument, defineCommand, moment, table } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Releases of a model, newest first',
  args: { model: argument() },
  async run(session, { args: { model } }) {
    const { items } = await (await session.client()).delivery.listReleases({ model })
    return {
      data: items,
      text: table(
        ['release', 'version', 'kind', 'state', 'first live', 'fully live', 'ended', 'why'],
        items.map((release) => [
          release.seenAs === null ? release.id : `${release.id} ${release.seenAs}, seen in predictions`,
          release.seenAs !== null && release.version === 0 ? '–' : `v${release.version}`,
          release.kind,
          release.state.replaceAll('_', ' '),
          moment(release.firstLiveAt),
          moment(release.fullyLiveAt),
          moment(release.endedAt),
          release.endedBecause ?? release.reason,
        ]),
      ),
    }
  },
})
