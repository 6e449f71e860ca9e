import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import {
  argument,
  type Command,
  defineCommand,
  estimate,
  facts,
  moment,
  number,
  type Outcome,
  percent,
  readableBytes,
  type Session,
  table,
  text,
  time,
  type Values,
} from '../kit/kit.ts'

type Endpoint = Awaited<ReturnType<Client<Api>['serving']['getEndpoint']>>

const shadowOptions = {
  release: text('an earlier shadow', 'release'),
  from: time('only from this moment on'),
  to: time('only before this moment'),
}

export const command: Command = {
  summary: 'Who answers what share, on what, and how busily',
  commands: {
    list: { summary: 'All endpoints', run: list },
    show: defineCommand({
      summary: 'One endpoint with each version that it holds',
      args: { endpoint: argument() },
      run: (session, { args: { endpoint } }) => show(session, endpoint),
    }),
    shadow: defineCommand({
      summary: 'What the shadow answered against what callers got',
      args: { endpoint: argument() },
      options: shadowOptions,
      examples: ['keel endpoints shadow flight-delay --from 2001-05-14'],
      run: (session, { args: { endpoint }, options }) => shadow(session, endpoint, options),
    }),
  },
}

async function list(session: Session): Promise<Outcome> {
  const { items } = await (await session.client()).serving.listEndpoints({})
  const rows = items.map((endpoint) => [
    endpoint.name,
    stateOf(endpoint),
    sharesOf(endpoint),
    endpoint.requests,
    endpoint.stoodIn,
    endpoint.versions.reduce((sum, { refused }) => sum + refused, 0),
  ])
  return {
    data: items,
    text: table(['endpoint', 'state', 'answers', 'requests', 'stood in', 'turned away'], rows),
    next: items.slice(0, 1).map(({ name }) => `keel endpoints show ${name}`),
  }
}

/** Of the version that is live. */
function stateOf({ ready, routing, notLoaded }: Endpoint): string {
  if (ready) return 'ready'
  return notLoaded.find(({ version }) => version === routing.live.version)?.state ?? 'not ready'
}

function sharesOf({ routing: { live, canary, shadow } }: Endpoint): string {
  const parts = [canary ? `${live.release} ${percent(1 - canary.share, 0)}` : live.release]
  if (canary) parts.push(`${canary.release} ${percent(canary.share, 0)}`)
  if (shadow) parts.push(`shadow ${shadow.release}`)
  return parts.join(', ')
}

async function show(session: Session, name: string): Promise<Outcome> {
  const endpoint = await (await session.client()).serving.getEndpoint({ endpoint: name })
  const rows = endpoint.versions.map((version) => [
    version.release,
    `v${version.version}`,
    version.kind,
    version.ready ? 'ready' : 'not ready',
    version.running,
    version.waiting,
    version.refused,
    version.restarts,
    version.memoryBytes === undefined ? undefined : readableBytes(version.memoryBytes),
    (version.instances ?? []).map(({ url, state }) => (state === 'closed' ? url : `${url} (ejected)`)).join(', '),
  ])
  return {
    data: endpoint,
    text: [
      facts([
        ['endpoint', endpoint.name],
        ['answers', sharesOf(endpoint)],
        ['requests', `${endpoint.requests} since this server started`],
        ['stood in', `${endpoint.stoodIn} answers of another release for one that could not`],
        ['spent today', endpoint.spentToday === 0 ? undefined : number(endpoint.spentToday, 4)],
        ...endpoint.notLoaded.map(({ release, state, reason }): [string, string] => [
          state,
          reason === null ? release : `${release}: ${reason}`,
        ]),
        ['log', endpoint.dropped === 0 ? 'every record written' : `${endpoint.dropped} records lost`],
      ]),
      table(
        [
          'release',
          'version',
          'runs on',
          'state',
          'running',
          'waiting',
          'turned away',
          'restarts',
          'memory',
          'instances',
        ],
        rows,
      ),
    ].join('\n\n'),
    next: endpoint.routing.shadow ? [`keel endpoints shadow ${name}`] : [],
  }
}

async function shadow(
  session: Session,
  endpoint: string,
  { release, from, to }: Values<typeof shadowOptions>,
): Promise<Outcome> {
  const report = await (await session.client()).serving.shadow({
    endpoint,
    release,
    from,
    to,
  })
  if (report.release === null) return { data: report, text: `"${endpoint}" has had no shadow.` }
  const { difference, latency, cost } = report
  return {
    data: report,
    text: [
      facts([
        ['shadow', report.release],
        ['window', `${moment(report.from)} – ${moment(report.to)}`],
        ['requests', `${report.pairs} asked, ${report.failed} not answered, ${report.dropped} never asked`],
        ['disagreement', estimate(report.disagreement)],
        ['difference', `mean ${estimate(difference.mean)}, 95 % below ${estimate(difference.absoluteP95)}`],
        ['p95 latency', `${estimate(latency.shadow, 1)} ms, callers ${estimate(latency.caller, 1)} ms`],
        [
          'cost',
          cost.shadow.value === null
            ? undefined
            : `${number(cost.shadow.value, 5)}, callers ${number(cost.caller.value, 5)}`,
        ],
      ]),
      table(
        ['prediction', 'callers got', 'the shadow said'],
        report.examples.map(({ id, caller, shadow }) => [id, caller, shadow]),
      ),
    ].join('\n\n'),
    next: report.examples.slice(0, 1).map(({ id }) => `keel replay ${id}`),
  }
}
