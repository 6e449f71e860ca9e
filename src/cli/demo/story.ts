/**
 * What the demo does, in order. A command is run as typed; a replay lives through the flights until a time. What is `only`
 * of one length is left out of the other.
 */
export type Chapter = ({ say: string } | { run: string; allow?: number[]; keep?: string } | { replay: string }) & {
  only?: Length
}

/** The quick story leaves the quiet weeks at the end out: everything that happens in them is more of the same. */
export type Length = 'full' | 'quick'

/** Everything before this moment is history that the project starts with. */
export const beginning = '2001-04-01T00:00:00.000Z'

export const story: Chapter[] = [
  {
    say: 'A project is a folder of files. This one predicts late flights among four airports; the data are real (US DOT, BTS), only the time at which an arrival became known is derived.',
  },
  { run: 'apply' },
  { run: 'node src/prepare.ts --data data/flights.csv.gz --out data/flights.csv' },
  { run: `data push flights data/flights.csv --until ${beginning.slice(0, 10)}` },
  { run: `clock advance ${beginning.slice(0, 10)}` },
  { say: 'It is 1 April 2001. The first candidate knows the flight itself: hour, weekday, distance, airports.' },
  { run: 'run train-v1' },
  { run: 'gate flight-delay@1', allow: [3, 4], keep: 'gate1' },
  {
    say: 'It is better than the built-in baseline, which always answers the mean. Released, it goes through shadow and steps under the traffic of April.',
  },
  { run: 'release flight-delay@1 --reason "first model"', allow: [5] },
  { replay: '2001-04-09T00:00:00.000Z' },
  { run: 'rollout flight-delay.r1', keep: 'rollout1' },
  { run: 'drill flight-delay', keep: 'drill' },
  { replay: '2001-04-30T06:00:00.000Z' },
  {
    say: 'On 30 April the labels of a week are in: the model predicts what it always predicted, but the world is calmer. Its inputs have not moved at all.',
  },
  { run: 'alerts flight-delay', keep: 'alerts1' },
  { run: 'drift flight-delay', keep: 'drift1' },
  {
    say: 'Two candidates follow how late other flights were. The one with all departed flights looks best offline – and knows arrivals that nobody knew yet.',
  },
  { run: 'run train-v2' },
  { run: 'run train-v3' },
  { run: 'gate flight-delay@3', allow: [3, 4], keep: 'gate3' },
  { run: 'release flight-delay@3 --reason "best offline"', allow: [5], keep: 'refused3' },
  { run: 'gate flight-delay@2', allow: [3, 4], keep: 'gate2' },
  { run: 'release flight-delay@2 --reason "follows the day" --trigger drift', allow: [5] },
  { replay: '2001-05-08T00:00:00.000Z' },
  { run: 'rollout flight-delay.r2', keep: 'rollout2' },
  { replay: '2001-06-30T00:00:00.000Z', only: 'full' },
  { say: 'Eight weeks later. To see how it feels, the first model comes back.', only: 'full' },
  { say: 'It answers everything now. To see how it feels, the first model comes back.', only: 'quick' },
  { run: 'rollback flight-delay --reason "to show how fast it is"', keep: 'rollback' },
  { run: 'live flight-delay --all', keep: 'live' },
  { run: 'delivery flight-delay', keep: 'delivery' },
  { run: 'failures flight-delay', keep: 'failures' },
  { run: 'status', keep: 'status' },
]
