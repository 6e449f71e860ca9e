import type { Api } from './contract.ts'
import type { Door } from './core/contract.ts'
import * as access from './domains/access/access.ts'
import * as artifacts from './domains/artifacts/artifacts.ts'
import * as datasets from './domains/datasets/datasets.ts'
import * as delivery from './domains/delivery/delivery.ts'
import * as evaluation from './domains/evaluation/evaluation.ts'
import * as features from './domains/features/features.ts'
import * as monitoring from './domains/monitoring/monitoring.ts'
import * as pipelines from './domains/pipelines/pipelines.ts'
import * as project from './domains/project/project.ts'
import * as registry from './domains/registry/registry.ts'
import * as review from './domains/review/review.ts'
import * as runs from './domains/runs/runs.ts'
import * as serving from './domains/serving/serving.ts'
import * as system from './domains/system/system.ts'
import * as traces from './domains/traces/traces.ts'
import * as webhooks from './domains/webhooks/webhooks.ts'

/** The functions behind the contract. An operation without one does not compile. */
export const doors = {
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
} satisfies { [Domain in keyof Api]: Door<Api[Domain]> }
