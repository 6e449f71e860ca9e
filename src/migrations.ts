import { migrations as core, type Migration } from './core/database/database.ts'
import { migrations as access } from './domains/access/schema.ts'
import { migrations as artifacts } from './domains/artifacts/schema.ts'
import { migrations as datasets } from './domains/datasets/schema.ts'
import { migrations as delivery } from './domains/delivery/schema.ts'
import { migrations as evaluation } from './domains/evaluation/schema.ts'
import { migrations as features } from './domains/features/schema.ts'
import { migrations as monitoring } from './domains/monitoring/schema.ts'
import { migrations as pipelines } from './domains/pipelines/schema.ts'
import { migrations as registry } from './domains/registry/schema.ts'
import { migrations as review } from './domains/review/schema.ts'
import { migrations as runs } from './domains/runs/schema.ts'
import { migrations as serving } from './domains/serving/schema.ts'
import { migrations as traces } from './domains/traces/schema.ts'
import { migrations as webhooks } from './domains/webhooks/schema.ts'

/** Every table there is, in the order in which domains may use each other. */
export const migrations: Migration[] = [
  core,
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
].flat()
