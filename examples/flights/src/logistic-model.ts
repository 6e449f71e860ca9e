import { encode, type Input, type Row } from './encoding.ts'
import { type LogisticRegression, predictProbability } from './logistic-regression.ts'
import { type Constant, encodeOnnx, type Node } from './onnx.ts'

export type LogisticModel = { inputs: Input[]; regression: LogisticRegression }

type Signature = {
  inputs: { name: string; type: 'number' | 'string' }[]
  output: { name: string; type: 'number' }
}

export function predict({ inputs, regression }: LogisticModel, row: Row): number {
  return predictProbability(regression, encode(inputs, row))
}

/** What to send by name, and what comes back. */
export function signatureOf({ inputs }: LogisticModel): Signature {
  return {
    inputs: inputs.map(({ name, kind }) => ({ name, type: kind === 'text' ? 'string' : 'number' })),
    output: { name: 'probability', type: 'number' },
  }
}

/**
 * A model file that takes each input by its name, `float` or `string` of shape [N, 1], and answers `probability` [N, 1].
 * Imputing, one-hot encoding and scaling are inside. A missing number is NaN, a missing text is ''.
 */
export function toOnnx(model: LogisticModel): Uint8Array {
  const { inputs, regression } = model
  const reserved = inputs.find(({ name }) => name.startsWith('_') || name === 'probability')
  if (reserved) throw new Error(`"${reserved.name}" cannot be the name of an input: names of the graph look like it.`)
  const encoded = inputs.map(encodeInput)
  const constants: Constant[] = [
    ...encoded.flatMap(({ constants }) => constants),
    { name: '_means', values: regression.means },
    { name: '_scales', values: regression.scales },
    { name: '_coefficients', values: regression.coefficients, column: true },
    { name: '_intercept', values: [regression.intercept] },
  ]
  const nodes: Node[] = [
    ...encoded.flatMap(({ nodes }) => nodes),
    { op: 'Concat', inputs: encoded.map(({ columns }) => columns), output: '_columns', attributes: { axis: 1 } },
    { op: 'IsNaN', inputs: ['_columns'], output: '_missing' },
    { op: 'Where', inputs: ['_missing', '_means', '_columns'], output: '_imputed' },
    { op: 'Sub', inputs: ['_imputed', '_means'], output: '_centred' },
    { op: 'Div', inputs: ['_centred', '_scales'], output: '_scaled' },
    { op: 'MatMul', inputs: ['_scaled', '_coefficients'], output: '_weighted' },
    { op: 'Add', inputs: ['_weighted', '_intercept'], output: '_logit' },
    { op: 'Sigmoid', inputs: ['_logit'], output: 'probability' },
  ]
  return encodeOnnx({
    name: 'logistic_regression',
    inputs: inputs.map(({ name, kind }) => ({ name, type: kind === 'text' ? 'string' : 'float', width: 1 })),
    outputs: [{ name: 'probability', type: 'float', width: 1 }],
    constants,
    nodes,
    metadata: { signature: JSON.stringify(signatureOf(model)) },
  })
}

function encodeInput(input: Input): { nodes: Node[]; constants: Constant[]; columns: string } {
  const { name } = input
  if (input.kind === 'number') return { nodes: [], constants: [], columns: name }
  const columns = `_${name}_columns`
  if (input.kind === 'category') {
    return {
      constants: [{ name: `_${name}_categories`, values: input.categories }],
      nodes: [
        { op: 'Equal', inputs: [name, `_${name}_categories`], output: `_${name}_equal` },
        { op: 'Cast', inputs: [`_${name}_equal`], output: columns, attributes: { to: 1 } },
      ],
      columns,
    }
  }
  const attributes = { cats_strings: input.categories, zeros: 1 }
  return {
    constants: [],
    nodes: [
      { op: 'OneHotEncoder', domain: 'ai.onnx.ml', inputs: [name], output: `_${name}_hot`, attributes },
      { op: 'Flatten', inputs: [`_${name}_hot`], output: columns, attributes: { axis: 1 } },
    ],
    columns,
  }
}
