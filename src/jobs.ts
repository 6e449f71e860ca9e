import { jobs as artifacts } from './domains/artifacts/jobs.ts'
import { jobs as datasets } from './domains/datasets/jobs.ts'
import { jobs as delivery } from './domains/delivery/jobs.ts'
import { jobs as monitoring } from './domains/monitoring/jobs.ts'
import { jobs as pipelines } from './domains/pipelines/jobs.ts'
import { jobs as serving } from './domains/serving/jobs.ts'
import { jobs as webhooks } from './domains/webhooks/jobs.ts'

/** Everything that is done later on one page, in the order in which domains may use each other. */
export const jobs = { ...webhooks, ...artifacts, ...datasets, ...pipelines, ...serving, ...monitoring, ...delivery }
