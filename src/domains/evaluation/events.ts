import { appender } from '../../core/background/background.ts'
import { optional, Time } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { evaluation, Verdict } from './contract.ts'

const Model = 'model/<model>'
const Gate = Type.String({ description: 'Its id' })

export const events = {
  'evaluation.golden_pushed': event('golden/<golden set>', 'A golden set got a new version.', {
    version: Type.Integer(),
    digest: Type.String(),
    items: Type.Integer({ description: 'How many' }),
  }),
  'evaluation.evaluated': event(Model, 'A version was compared with another on a golden set.', {
    evaluation: Type.String({ description: 'Its id' }),
    version: Type.Integer(),
    against: Type.String({
      description:
        'What it was compared with: "live (v2)", "constant baseline", "recorded answers (golden.yesterday)" …',
    }),
    verdict: Verdict,
  }),
  'evaluation.gate_decided': event(Model, 'A gate said whether a version may be released.', {
    gate: Gate,
    version: Type.Integer(),
    verdict: Verdict,
    summary: Type.String({ description: 'Why, in a sentence' }),
    digest: optional(Type.String({ description: 'Of the evidence' })),
  }),
  'evaluation.gate_rerun': event(Model, 'A gate was judged again on what it looked at then.', {
    gate: Gate,
    verdict: Verdict,
    same: Type.Boolean({ description: 'Whether it is the recorded verdict' }),
    from: evaluation.rerunGate.output.properties.from,
  }),
  'evaluation.prices_set': event('prices', 'The price table changed.', {
    digest: Type.String(),
    prices: Type.Record(Type.String(), Type.Number()),
  }),
  'evaluation.traffic_recorded': event(Model, 'A sample of what production asks was taken.', {
    from: Time,
    to: Time,
    rows: Type.Integer(),
    digest: Type.String(),
  }),
}

export const append = appender(events)
