import { access } from './domains/access/contract.ts'
import { artifacts } from './domains/artifacts/contract.ts'
import { datasets } from './domains/datasets/contract.ts'
import { delivery } from './domains/delivery/contract.ts'
import { evaluation } from './domains/evaluation/contract.ts'
import { features } from './domains/features/contract.ts'
import { monitoring } from './domains/monitoring/contract.ts'
import { pipelines } from './domains/pipelines/contract.ts'
import { project } from './domains/project/contract.ts'
import { registry } from './domains/registry/contract.ts'
import { review } from './domains/review/contract.ts'
import { runs } from './domains/runs/contract.ts'
import { serving } from './domains/serving/contract.ts'
import { system } from './domains/system/contract.ts'
import { traces } from './domains/traces/contract.ts'
import { webhooks } from './domains/webhooks/contract.ts'

/** The whole API on one page, in the order in which domains may use each other. */
export const api = {
  system,
  access,
  webhooks,
  artifacts,
  datasets,
  features,
  runs,
  traces,
  registry,
  pipelines,
  evaluation,
  serving,
  monitoring,
  delivery,
  review,
  project,
}

export type Api = typeof api
