import type { Command } from '../command.ts'
import { modelVersion, string } from '../input.ts'
import { facts, moment } from '../output.ts'

export const command: Command = {
  summary: 'Release a version by shadow and steps; refused (exit 5) when something that a release needs is missing',
  arguments: '<model@version>',
  options: [
    { flags: '--reason <text>', help: 'why', required: true },
    { flags: '--kind <kind>', help: 'model, data, prompt, config or code' },
    { flags: '--trigger <trigger>', help: 'human, schedule, drift or hotfix' },
    { flags: '--addresses <failure>', help: 'the failure group that it is meant to mend' },
  ],
  async run(session, { args: [given = ''], options }) {
    const addresses = string(options['addresses'])
    const kind = string(options['kind']) as 'model' | undefined
    const trigger = string(options['trigger']) as 'human' | undefined
    const release = await (await session.client()).delivery.release({
      ...modelVersion(given),
      reason: string(options['reason']) ?? '',
      ...(kind === undefined ? {} : { kind }),
      ...(trigger === undefined ? {} : { trigger }),
      ...(addresses === undefined ? {} : { addresses }),
    })
    return {
      data: release,
      text: facts([
        ['release', release.id],
        ['version', `v${release.version}`],
        ['state', release.state.replaceAll('_', ' ')],
        ['owner', `${release.owner}, backup ${release.backup}`],
        ['started', moment(release.createdAt)],
        ['plan', release.planDigest],
      ]),
      next: [`keel rollout ${release.id}`],
    }
  },
}
