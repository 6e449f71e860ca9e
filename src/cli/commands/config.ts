import { settingNames, settings } from '../../core/config.ts'
import { type Command, table } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Settings, and where each comes from',
  commands: {
    explain: {
      summary: 'Every setting with its value and origin; precedence: flag, environment, keel.yaml, default',
      anywhere: true,
      async run(session) {
        const { config, origins } = await session.settings()
        const rows = settingNames.map((name) => {
          const setting: { env: string; flag: string; help: string; secret?: true } = settings[name]
          const hidden = setting.secret === true && config[name] !== ''
          return {
            name,
            value: hidden ? '(set)' : config[name],
            from: origins[name],
            flag: setting.flag,
            environment: setting.env,
            help: setting.help,
          }
        })
        return {
          data: rows,
          text: table(
            ['setting', 'value', 'from', 'flag', 'environment', 'what it is'],
            rows.map((row) => [
              row.name,
              row.value === '' ? '–' : row.value,
              row.from,
              row.flag,
              row.environment,
              row.help,
            ]),
          ),
        }
      },
    },
  },
}
