import { events as access } from './domains/access/events.ts'
import { events as artifacts } from './domains/artifacts/events.ts'
import { events as datasets } from './domains/datasets/events.ts'
import { events as delivery } from './domains/delivery/events.ts'
import { events as evaluation } from './domains/evaluation/events.ts'
import { events as features } from './domains/features/events.ts'
import { events as monitoring } from './domains/monitoring/events.ts'
import { events as pipelines } from './domains/pipelines/events.ts'
import { events as project } from './domains/project/events.ts'
import { events as registry } from './domains/registry/events.ts'
import { events as review } from './domains/review/events.ts'
import { events as runs } from './domains/runs/events.ts'
import { events as serving } from './domains/serving/events.ts'
import { events as traces } from './domains/traces/events.ts'
import { events as webhooks } from './domains/webhooks/events.ts'

/** Everything that can be told of on one page, in the order in which domains may use each other. */
export const events = {
  ...access,
  ...webhooks,
  ...artifacts,
  ...datasets,
  ...features,
  ...runs,
  ...traces,
  ...registry,
  ...pipelines,
  ...evaluation,
  ...serving,
  ...monitoring,
  ...delivery,
  ...review,
  ...project,
}
