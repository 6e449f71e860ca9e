export { type Act, ModelSpec, type Provider, type Scorer, signals } from './model-spec.ts'
export { oldNamesIn, withPresentNames } from './old-names.ts'
export type { Limits, Run, UpstreamSpec } from './serves.ts'
export { completeSpec, SpecFile, toldDefaults } from './short-spec.ts'
