import type { ModelUse } from '../../core/onnx/onnx.ts'
import type { Signature } from './signature.ts'
import type { ModelSpec } from './spec/spec.ts'

type Serves = ModelSpec['serves']
type Kind = NonNullable<Signature['output']['kind']>

/** What an endpoint answers with, as a kind of output. */
const kinds: Record<Serves['output'], Kind> = {
  binary: 'score',
  regression: 'value',
  multiclass: 'class',
  ranking: 'ranking',
  text: 'text',
}

/** How a model file is asked: as its signature says, and where that is silent, as what the spec serves. */
export function modelUse(signature: Signature | null, serves: Serves | undefined): ModelUse {
  const output = signature?.output
  return {
    columns: signature?.columns,
    known: signature?.inputs.map(({ name }) => name),
    rowsAtOnce: signature?.batch,
    // Versions of before were not looked at when they were registered: they go on answering as they did.
    strict: output?.found !== undefined,
    output: {
      kind: output?.kind ?? (serves && kinds[serves.output]),
      said: output?.kind !== undefined,
      name: output?.name,
      classes: output?.classes,
      positive: output?.positive,
      column: output?.column,
    },
  }
}
