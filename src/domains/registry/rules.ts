import { AppError, invalidInput } from '../../core/errors.ts'
import type { Row } from '../../core/onnx/onnx.ts'

/** The alias of the version in production; only delivery moves it. */
export const liveAlias = 'live'

export function refuseLiveAlias(alias: string, model: string): void {
  if (alias !== liveAlias) return
  throw new AppError(
    'refused_by_policy',
    `The alias "${liveAlias}" follows what is live; it is moved by releases only.`,
    { name: liveAlias, hint: `keel release ${model}@<version> --reason "…"` },
  )
}

/** The field that a version of each flavor needs: one of them. */
const needs = {
  onnx: ['artifact'],
  constant: ['constant'],
  prompt: ['prompt'],
  mlflow: ['artifact', 'uri'],
  remote: ['signature', 'trainingSet'],
} as const

type Draft = {
  flavor: keyof typeof needs
  artifact?: string
  constant?: number
  prompt?: string
  uri?: string
  signature?: object
  trainingSet?: string
}

export function checkFlavor(model: { name: string; kind: string }, draft: Draft): void {
  const needed = needs[draft.flavor]
  if (needed.every((field) => draft[field] === undefined))
    throw invalidInput(`A version of flavor "${draft.flavor}" needs "${needed.join('" or "')}".`, { name: needed[0] })
  if ((draft.flavor === 'prompt') !== (model.kind === 'prompt')) {
    throw invalidInput(`"${model.name}" is a ${model.kind}; a "${draft.flavor}" cannot be a version of it.`, {
      name: 'flavor',
    })
  }
  if (draft.flavor === 'onnx' && draft.signature === undefined)
    throw invalidInput('A model needs a "signature".', { name: 'signature' })
}

/** The names between {{ and }} of a template, each once. */
export function variablesOf(template: string): string[] {
  return [...new Set([...template.matchAll(/\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}/g)].map((match) => match[1] ?? ''))]
}

/** The text with each `{{ name }}` replaced by its value; `whose` names in an error what lacks one. */
export function fillTemplate(template: string, values: Row, whose: string): string {
  return template.replaceAll(/\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    if (value !== undefined && value !== null) return String(value)
    throw invalidInput(`The prompt reads "${name}", which ${whose} does not have.`, { name })
  })
}
