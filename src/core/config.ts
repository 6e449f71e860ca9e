import { invalidInput } from './errors.ts'
import { didYouMean } from './suggest.ts'

type Setting = {
  default: string
  env: string
  flag: string
  help: string
  secret?: true
  oneOf?: readonly string[]
  number?: true
}

/** Every setting there is. Precedence: flag, then environment, then `keel.yaml`, then the default. */
export const settings = {
  data: {
    default: '.keel',
    env: 'KEEL_DATA',
    flag: '--data',
    help: 'Folder that holds everything the server keeps; relative to the project',
  },
  host: { default: '127.0.0.1', env: 'KEEL_HOST', flag: '--host', help: 'Address to listen on' },
  port: {
    default: '5335',
    env: 'KEEL_PORT',
    flag: '--port',
    help: 'Port to listen on; 0 picks a free one',
    number: true,
  },
  url: {
    default: '',
    env: 'KEEL_URL',
    flag: '--url',
    help: 'Address that people open, such as https://keel.team.example; with https, cookies travel only over it',
  },
  oidcSecret: {
    default: '',
    env: 'KEEL_OIDC_SECRET',
    flag: '--oidc-secret',
    help: 'Secret that the OpenID provider knows Evenkeel by',
    secret: true,
  },
  database: {
    default: '',
    env: 'KEEL_DATABASE',
    flag: '--database',
    help: 'postgres://… instead of the embedded SQLite file',
    secret: true,
  },
  server: { default: '', env: 'KEEL_SERVER', flag: '--server', help: 'URL of the server that commands talk to' },
  token: { default: '', env: 'KEEL_TOKEN', flag: '--token', help: 'Token that commands sign in with', secret: true },
  clock: {
    default: 'real',
    env: 'KEEL_CLOCK',
    flag: '--clock',
    help: 'real, or simulated: a clock that only moves when it is set (for replays)',
    oneOf: ['real', 'simulated'],
  },
  log: {
    default: 'warn',
    env: 'KEEL_LOG',
    flag: '--log',
    help: 'Log level: trace, debug, info, warn, error, silent',
    oneOf: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
  },
  blobs: {
    default: '',
    env: 'KEEL_BLOBS',
    flag: '--blobs',
    help: 's3://bucket/prefix?endpoint=https://… instead of the data folder, for artifacts; credentials as AWS tools find them',
  },
  artifactRoot: {
    default: 'mlflow-artifacts:',
    env: 'KEEL_ARTIFACT_ROOT',
    flag: '--default-artifact-root',
    help: 'Where clients of MLflow keep the artifacts of new experiments: with this server, or in a store such as s3://…',
  },
  localArtifacts: {
    default: 'refused',
    env: 'KEEL_LOCAL_ARTIFACTS',
    flag: '--local-artifacts',
    help: 'For tests on one machine: allowed lets clients name paths of their own disk as places of artifacts',
    oneOf: ['refused', 'allowed'],
  },
  cache: {
    default: '10GB',
    env: 'KEEL_CACHE',
    flag: '--cache',
    help: 'Largest local copy of what lies on S3, such as 10GB',
  },
  refuse: {
    default: '',
    env: 'KEEL_REFUSE',
    flag: '--refuse',
    help: 'What a scan of model files must not find, separated by commas, such as dangerous_import, traversal',
  },
  mlflow: {
    default: 'mlflow models serve',
    env: 'KEEL_MLFLOW',
    flag: '--mlflow',
    help: 'Command that serves what MLflow’s client logged, where it is no ONNX: its words and a program in the PATH or a full path',
  },
  egress: {
    default: '',
    env: 'KEEL_EGRESS',
    flag: '--egress',
    help: 'Hosts, separated by commas, that may be called although they are private or not https (webhooks, alerts)',
  },
  secretKey: {
    default: '',
    env: 'KEEL_SECRET_KEY',
    flag: '--secret-key',
    help: 'Text that stored secrets are sealed with; without it a key file in the data folder',
    secret: true,
  },
  memory: { default: '1GB', env: 'KEEL_MEMORY', flag: '--memory', help: 'Memory limit of the analytics engine' },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

export type Origin = 'flag' | 'environment' | 'keel.yaml' | 'default'

export type Config = Readonly<Record<SettingName, string>>

export type ResolvedConfig = { config: Config; origins: Record<SettingName, Origin> }

type Layers = {
  flags?: Record<string, string | undefined>
  file?: Record<string, string | undefined>
  environment?: NodeJS.ProcessEnv
}

export const settingNames = Object.keys(settings) as SettingName[]

/** Resolves every setting and remembers where each came from. The only place that knows the precedence. */
export function resolveConfig({ flags = {}, file = {}, environment = readEnvironment() }: Layers): ResolvedConfig {
  const config = {} as Record<SettingName, string>
  const origins = {} as Record<SettingName, Origin>
  for (const name of settingNames) {
    const setting: Setting = settings[name]
    const layers: [Origin, string | undefined][] = [
      ['flag', flags[name]],
      ['environment', environment[setting.env]],
      ['keel.yaml', file[name]],
      ['default', setting.default],
    ]
    const [origin, value] = layers.find(([, value]) => value !== undefined && value !== '') ?? [
      'default',
      setting.default,
    ]
    config[name] = check(name, setting, value ?? '', origin)
    origins[name] = origin
  }
  return { config, origins }
}

function check(name: string, setting: Setting, value: string, origin: Origin): string {
  if (setting.oneOf && !setting.oneOf.includes(value)) {
    throw invalidInput(`The setting "${name}" cannot be "${value}" (from ${origin}).`, {
      name,
      hint: didYouMean(value, setting.oneOf) ?? `Use one of: ${setting.oneOf.join(', ')}.`,
    })
  }
  const port = Number(value)
  if (setting.number && !(Number.isInteger(port) && port >= 0 && port <= 65535)) {
    throw invalidInput(`The setting "${name}" is "${value}" (from ${origin}), not a port number.`, { name })
  }
  return value
}

/** The one reader of the process environment. */
export function readEnvironment(): NodeJS.ProcessEnv {
  return process.env
}
